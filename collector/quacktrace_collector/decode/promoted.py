"""The attributes that have a column of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.decode.arrow_views import Array, Bytes, rows_of_elements, take_or_null
from quacktrace_collector.decode.attributes import AttributeColumns
from quacktrace_collector.schema import PROMOTED, PromotedAttribute

_STRING, _INTEGER, _EMPTY = b"sin"
_INT32: Final = range(-(1 << 31), 1 << 31)
_KEYS: Final = frozenset(key for promoted in PROMOTED for key in promoted.keys)

Entries = npt.NDArray[np.int64]


def promoted_columns(attributes: AttributeColumns) -> list[Array]:
    """The columns of `schema.PROMOTED`: the first key that a row has gives its value, null without one."""
    count = len(attributes.offsets) - 1
    slots = {key: slot for slot, key in enumerate(_keys_among(attributes))}
    if not slots:
        return [pa.nulls(count, cast(Any, promoted.type)) for promoted in PROMOTED]
    entries = _entries(attributes, slots)
    return [_column(promoted, attributes, slots, entries) for promoted in PROMOTED]


def _keys_among(attributes: AttributeColumns) -> list[str]:
    return [key for key in attributes.distinct_keys.to_pylist() if key in _KEYS]


def _entries(attributes: AttributeColumns, slots: Mapping[str, int]) -> Entries:
    """For each promoted key and row the entry that has its value, -1 where there is none; keys are slots."""
    slot_of_code = np.array([slots.get(key, -1) for key in attributes.distinct_keys.to_pylist()], np.int64)
    slot = slot_of_code[attributes.key_codes]
    promoted = np.flatnonzero((slot >= 0) & (attributes.letters != _EMPTY))
    entries = np.full((len(slots), len(attributes.offsets) - 1), -1, np.int64)
    entries[slot[promoted], rows_of_elements(attributes.offsets)[promoted]] = promoted
    return entries


def _column(
    promoted: PromotedAttribute, attributes: AttributeColumns, slots: Mapping[str, int], entries: Entries
) -> Array:
    present = [entries[slots[key]] for key in promoted.keys if key in slots]
    if not present:
        return pa.nulls(entries.shape[1], cast(Any, promoted.type))
    is_integer = pa.types.is_integer(promoted.type)
    if is_integer:
        present = [_integers_among(one, attributes.letters) for one in present]
    entry_of_row = present[0]
    for one in present[1:]:
        entry_of_row = np.where(entry_of_row < 0, one, entry_of_row)
    if is_integer:
        return _integers(attributes.values, entry_of_row)
    return take_or_null(attributes.values, entry_of_row)


def _integers_among(entry_of_row: npt.NDArray[np.int64], letters: Bytes) -> npt.NDArray[np.int64]:
    letter = letters[entry_of_row]
    return np.where((letter == _INTEGER) | (letter == _STRING), entry_of_row, -1)


def _integers(texts: Array, entry_of_row: npt.NDArray[np.int64]) -> Array:
    encoded = take_or_null(texts, entry_of_row).dictionary_encode()
    numbers = pa.array([_integer(text) for text in encoded.dictionary.to_pylist()], pa.int32())
    return numbers.take(encoded.indices)


def _integer(text: str) -> int | None:
    if len(text) > 11 or not text.isascii() or not text.removeprefix("-").isdigit():
        return None
    return number if (number := int(text)) in _INT32 else None
