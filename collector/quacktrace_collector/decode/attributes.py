"""Lists of KeyValue to columns of keys, texts and type letters: one pass of array operations for all rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.decode.any_value import array_text, bytes_text, double_texts, kvlist_text
from quacktrace_collector.decode.arrow_views import (
    Array,
    Bools,
    Bytes,
    Ints,
    elements_of,
    int32_array,
    lengths_of,
    offsets_after,
    positions_in_row,
    rows_of_elements,
    strings_from,
    validity_of,
)
from quacktrace_collector.decode.limits import MAX_ATTRIBUTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, cut_utf8

_Codes = npt.NDArray[np.unsignedinteger]

# Up to here one byte a (row, key) marks repetitions without a sort: 0.05 µs a span instead of 0.6.
_LARGEST_SCRATCH: Final = 1 << 26
_RENDERED_BY: Final[tuple[tuple[str, str, Callable[[bytes], tuple[str, str]]], ...]] = (
    ("array_value", "a", array_text),
    ("kvlist_value", "k", kvlist_text),
    ("bytes_value", "y", bytes_text),
)


@dataclass(frozen=True, slots=True)
class AttributeColumns:
    """The attributes of n rows, flattened: those of row r are the entries offsets[r] to offsets[r + 1]."""

    offsets: Ints
    keys: Array
    values: Array
    letters: Bytes
    """One type letter an entry, as ASCII."""
    key_codes: _Codes
    """Each entry's key as its place in `distinct_keys`."""
    distinct_keys: Array
    dropped: npt.NDArray[np.int64] | None
    """Entries dropped per row beyond those that the sender dropped; None when none were."""

    def types(self) -> Array:
        """Each row's letters as one string."""
        return strings_from(self.offsets, self.letters)

    def pairs(self) -> Array:
        """Each row as a list of (key, value)."""
        pairs = pa.StructArray.from_arrays([self.keys, self.values], ["key", "value"])
        return pa.ListArray.from_arrays(int32_array(self.offsets), pairs)

    def maps(self) -> Array:
        """Each row as a map."""
        return pa.MapArray.from_arrays(int32_array(self.offsets), self.keys, self.values)


def attribute_columns(lists: Array, normalised: Counter[str]) -> AttributeColumns:
    """Drop empty keys, let the last of repeated keys win, keep MAX_ATTRIBUTES a row, cut what is too long."""
    offsets, entries = elements_of(lists)
    keys, values = entries.field("key"), entries.field("value")
    keys = cut_strings(keys, MAX_KEY_BYTES, normalised)
    encoded = keys.dictionary_encode()
    distinct_keys = encoded.dictionary
    key_codes = encoded.indices.to_numpy().astype(np.min_scalar_type(len(distinct_keys)))
    keep = _entries_to_keep(offsets, keys, key_codes, len(distinct_keys), normalised)
    texts, letters = any_value_columns(values, normalised)
    if keep is None:
        return AttributeColumns(offsets, keys, texts, letters, key_codes, distinct_keys, None)
    mask = pa.array(keep.entries)
    return AttributeColumns(
        offsets=offsets_after(keep.entries, offsets),
        keys=keys.filter(mask),
        values=texts.filter(mask),
        letters=letters[keep.entries],
        key_codes=key_codes[keep.entries],
        distinct_keys=distinct_keys,
        dropped=keep.dropped,
    )


def cut_strings(texts: Array, limit: int, normalised: Counter[str]) -> Array:
    """The same strings, those beyond `limit` bytes cut and counted."""
    lengths = lengths_of(texts)
    if len(lengths) == 0 or lengths.max() <= limit:
        return texts
    too_long = lengths > limit
    normalised["truncated"] += int(np.count_nonzero(too_long))
    long_texts = texts.filter(pa.array(too_long)).cast(pa.binary())
    cut = pa.array([cut_utf8(text.as_buffer().to_pybytes(), limit).decode() for text in long_texts], pa.string())
    return pc.replace_with_mask(texts, pa.array(too_long), cut)


def any_value_columns(values: Array, normalised: Counter[str]) -> tuple[Array, Bytes]:
    """Text and type letter of each AnyValue."""
    count = len(values)
    letters = np.full(count, ord("n"), np.uint8)
    strings = values.field("string_value")
    letters[validity_of(strings)] = ord("s")
    texts = [cut_strings(strings, MAX_VALUE_BYTES, normalised)]
    for name, letter, cast in (
        ("int_value", "i", _plain_texts),
        ("bool_value", "b", _plain_texts),
        ("double_value", "d", double_texts),
    ):
        column = values.field(name)
        if column.null_count < count:
            present = validity_of(column)
            letters[present] = ord(letter)
            texts.append(_scattered(cast(column.filter(pa.array(present))), present))
    for name, letter, render in _RENDERED_BY:
        column = values.field(name)
        if column.null_count < count:
            present = validity_of(column)
            rendered = [render(wire) for wire in column.filter(pa.array(present)).to_pylist()]
            letters[present] = [ord(real) for _, real in rendered]
            normalised["truncated"] += sum(real != letter for _, real in rendered)
            texts.append(_scattered(pa.array([text for text, _ in rendered], pa.string()), present))
    if (letters == ord("n")).any():
        texts.append(pa.scalar("", pa.string()))
    return texts[0] if len(texts) == 1 else pc.coalesce(*texts), letters


@dataclass(frozen=True, slots=True)
class _Kept:
    entries: Bools
    dropped: npt.NDArray[np.int64]


def _entries_to_keep(
    offsets: Ints, keys: Array, key_codes: _Codes, distinct: int, normalised: Counter[str]
) -> _Kept | None:
    """None when all entries stay."""
    if len(keys) == 0:
        return None
    no_key = lengths_of(keys) == 0
    superseded = _superseded(offsets, key_codes, distinct)
    too_many = int(np.diff(offsets).max()) > MAX_ATTRIBUTES
    if superseded is None and not too_many and not no_key.any():
        return None
    keep = ~no_key
    if superseded is not None:
        normalised["duplicate_key"] += int(np.count_nonzero(superseded & keep))
        keep &= ~superseded
    before = offsets_after(keep, offsets)
    if int(np.diff(before).max()) > MAX_ATTRIBUTES:
        keep[keep] = positions_in_row(before) < MAX_ATTRIBUTES
    lost = ~keep if superseded is None else ~keep & (~superseded | no_key)
    dropped = np.diff(offsets_after(lost, offsets)).astype(np.int64)
    normalised["truncated"] += int(dropped.sum())
    return _Kept(keep, dropped)


def _superseded(offsets: Ints, key_codes: _Codes, distinct: int) -> Bools | None:
    """True where the same row has the same key again later; None if that happens nowhere."""
    rows = len(offsets) - 1
    cells = rows_of_elements(offsets) * distinct + key_codes
    suspects = np.arange(len(cells))
    if rows * distinct <= _LARGEST_SCRATCH:
        seen = np.zeros(rows * distinct, np.bool_)
        seen[cells] = True
        if np.count_nonzero(seen) == len(cells):
            return None
        repeating = np.diff(offsets) != seen.reshape(rows, distinct).sum(axis=1)
        suspects = np.flatnonzero(np.repeat(repeating, np.diff(offsets)))
    _, last_from_the_end = np.unique(cells[suspects][::-1], return_index=True)
    superseded = np.zeros(len(cells), np.bool_)
    superseded[suspects] = True
    superseded[suspects[len(suspects) - 1 - last_from_the_end]] = False
    return superseded if superseded.any() else None


def _plain_texts(values: Array) -> Array:
    return values.cast(pa.string())


def _scattered(texts: Array, present: Bools) -> Array:
    """The texts at the places that are present, null elsewhere."""
    ends = np.cumsum(present)
    before = np.concatenate((np.zeros(1, np.int64), ends))
    compact = np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1, texts.offset * 4)
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    return strings_from(compact[before], data, present)
