"""Lists of serialised KeyValues to columns, under the limits: empty keys, repeated keys, too many attributes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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
)
from quacktrace_collector.decode.limits import MAX_ATTRIBUTES, MAX_KEY_BYTES, cut_strings
from quacktrace_collector.decode.wire_values import read_key_values

_Codes = npt.NDArray[np.unsignedinteger]

# Up to here one byte a (row, key) marks repetitions without a sort: 0.05 µs a span instead of 0.6.
_LARGEST_SCRATCH: Final = 1 << 26


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
    keys, values = read_key_values(entries, normalised)
    keys = cut_strings(keys, MAX_KEY_BYTES, normalised)
    encoded = keys.dictionary_encode()
    distinct_keys = encoded.dictionary
    key_codes = encoded.indices.to_numpy().astype(np.min_scalar_type(len(distinct_keys)))
    keep = _entries_to_keep(offsets, keys, key_codes, len(distinct_keys), normalised)
    if keep is None:
        return AttributeColumns(offsets, keys, values.texts, values.letters, key_codes, distinct_keys, None)
    mask = pa.array(keep.entries)
    return AttributeColumns(
        offsets=offsets_after(keep.entries, offsets),
        keys=keys.filter(mask),
        values=values.texts.filter(mask),
        letters=values.letters[keep.entries],
        key_codes=key_codes[keep.entries],
        distinct_keys=distinct_keys,
        dropped=keep.dropped,
    )


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
