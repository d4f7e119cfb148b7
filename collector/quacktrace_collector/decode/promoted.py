"""The attributes that have a column of their own."""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.decode.arrow_views import Array, rows_of_elements, take_or_null
from quacktrace_collector.decode.attributes import AttributeColumns
from quacktrace_collector.schema import PROMOTED, PromotedAttribute

_STRING, _INTEGER, _EMPTY = b"sin"
_INT32: Final = range(-(1 << 31), 1 << 31)


def promoted_columns(attributes: AttributeColumns) -> list[Array]:
    """The columns of `schema.PROMOTED`: the first key that a row has gives its value, null without one."""
    codes: dict[str, int] = {key: code for code, key in enumerate(attributes.distinct_keys.to_pylist())}
    rows = rows_of_elements(attributes.offsets)
    return [_column(promoted, attributes, codes, rows) for promoted in PROMOTED]


def _column(
    promoted: PromotedAttribute, attributes: AttributeColumns, codes: dict[str, int], rows: npt.NDArray[np.int64]
) -> Array:
    count = len(attributes.offsets) - 1
    present = [codes[key] for key in promoted.keys if key in codes]
    if not present:
        return pa.nulls(count, cast(Any, promoted.type))
    entry_of_row = np.full(count, -1, np.int64)
    for code in reversed(present):
        entries = np.flatnonzero(attributes.key_codes == code)
        if pa.types.is_integer(promoted.type):
            letters = attributes.letters[entries]
            entries = entries[(letters == _INTEGER) | (letters == _STRING)]
        else:
            entries = entries[attributes.letters[entries] != _EMPTY]
        entry_of_row[rows[entries]] = entries
    if pa.types.is_integer(promoted.type):
        return _integers(attributes.values, entry_of_row)
    return take_or_null(attributes.values, entry_of_row)


def _integers(texts: Array, entry_of_row: npt.NDArray[np.int64]) -> Array:
    encoded = take_or_null(texts, entry_of_row).dictionary_encode()
    numbers = pa.array([_integer(text) for text in encoded.dictionary.to_pylist()], pa.int32())
    return numbers.take(encoded.indices)


def _integer(text: str) -> int | None:
    if len(text) > 11 or not text.isascii() or not text.removeprefix("-").isdigit():
        return None
    return number if (number := int(text)) in _INT32 else None
