"""Columns of rollup rows in numpy: coded texts, numbers and sparse histograms, and grouping them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from quacktrace_collector.decode.arrow_views import Array, numbers_of, offsets_of, rows_of_elements
from quacktrace_collector.store.rollups.histogram import LOWEST, WIDTH, Integers

# What pyarrow's stubs make of numpy arrays and of either kind of column does not hold.
compute: Any = pyarrow.compute

HISTOGRAM: Final = pa.map_(pa.int16(), pa.int64())
TEXT: Final = pa.dictionary(pa.int32(), pa.string())
_MOST_KEYS: Final = 1 << 62
_DENSE_CELLS: Final = 1 << 20


class Words:
    """Texts by number; grows."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self._numbers: dict[str, int] = {}

    def numbers(self, texts: Iterable[str]) -> Integers:
        """The number of each text, a new one for a new text."""
        numbers = []
        for text in texts:
            number = self._numbers.get(text)
            if number is None:
                number = self._numbers[text] = len(self.values)
                self.values.append(text)
            numbers.append(number)
        return np.array(numbers, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Texts:
    """A text column: `values[codes[row]]`; NULL reads as ''."""

    codes: Integers
    values: list[str]

    @staticmethod
    def of(column: Array) -> Texts:
        """From any Arrow column of strings."""
        array = one_chunk(column)
        if array.null_count == len(array):
            return Texts(np.zeros(len(array), np.int64), [""])
        if array.null_count:
            array = compute.fill_null(array, "")
        encoded: Array = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
        return Texts(encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist())

    def in_words(self, words: Words) -> Integers:
        """The same column as numbers of `words`."""
        used = np.unique(self.codes)
        numbers = np.full(len(self.values), -1, np.int64)
        numbers[used] = words.numbers(self.values[code] for code in used.tolist())
        coded: Integers = numbers[self.codes]
        return coded

    def to_arrow(self) -> Array:
        """Dictionary-encoded, with the values that occur."""
        used, codes = np.unique(self.codes, return_inverse=True)
        return pa.DictionaryArray.from_arrays(
            numbers_array(codes.astype(np.int32)), pa.array([self.values[code] for code in used.tolist()], pa.string())
        )


@dataclass(frozen=True, slots=True)
class Entries:
    """Sparse histograms: `count` in `bucket` of the histogram of `row`."""

    row: Integers
    bucket: npt.NDArray[np.int16]
    count: Integers

    @staticmethod
    def of(column: Array) -> Entries:
        """From an Arrow column of `HISTOGRAM`."""
        maps = map_of(column)
        return Entries(
            rows_of_elements(maps.offsets), numbers_of(maps.keys, np.int16), numbers_of(maps.items, np.int64)
        )

    def summed(self, group: Integers, groups: int) -> Entries:
        """The sum of the histograms of each group of rows."""
        cells = group[self.row] * WIDTH + (self.bucket - LOWEST)
        if groups * WIDTH <= max(_DENSE_CELLS, 4 * len(cells)):
            sums = np.bincount(cells, weights=self.count, minlength=groups * WIDTH).astype(np.int64)
            filled = np.flatnonzero(sums)
            return Entries(filled // WIDTH, (filled % WIDTH + LOWEST).astype(np.int16), sums[filled])
        by_cell = group_rows([cells])
        filled, sums = cells[by_cell.first], by_cell.sums(self.count)
        filled, sums = filled[sums != 0], sums[sums != 0]
        return Entries(filled // WIDTH, (filled % WIDTH + LOWEST).astype(np.int16), sums)

    def to_arrow(self, rows: int) -> Array:
        """A column of `HISTOGRAM`; entries are in order of rows."""
        offsets = np.searchsorted(self.row, np.arange(rows + 1)).astype(np.int32)
        return pa.MapArray.from_arrays(numbers_array(offsets), numbers_array(self.bucket), numbers_array(self.count))


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows with the same keys; groups are in order of their keys."""

    order: Integers
    starts: Integers
    of_row: Integers

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def first(self) -> Integers:
        """One row of each group."""
        rows: Integers = self.order[self.starts]
        return rows

    def sums(self, values: npt.NDArray[Any]) -> Integers:
        """Per group."""
        return self._reduced(np.add, values.astype(np.int64))

    def least(self, values: npt.NDArray[Any]) -> Integers:
        """Per group."""
        return self._reduced(np.minimum, values)

    def most(self, values: npt.NDArray[Any]) -> Integers:
        """Per group."""
        return self._reduced(np.maximum, values)

    def rows_with(self, values: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> Integers:
        """For each group a row whose value is the wanted one (each group has one)."""
        rows = np.zeros(len(self), np.int64)
        hits = np.flatnonzero(values == wanted[self.of_row])
        rows[self.of_row[hits]] = hits
        return rows

    def _reduced(self, operation: np.ufunc, values: npt.NDArray[Any]) -> Integers:
        if not len(self):
            return np.empty(0, np.int64)
        reduced: Integers = operation.reduceat(values[self.order], self.starts)
        return reduced


def group_rows(keys: Sequence[npt.NDArray[Any]]) -> Groups:
    """Group by all keys, the first one being the most significant."""
    packed = _packed(keys)
    order = np.argsort(packed, kind="stable")
    ordered = packed[order]
    is_first = np.ones(len(ordered), np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    of_row = np.empty(len(ordered), np.int64)
    of_row[order] = np.cumsum(is_first) - 1
    return Groups(order, np.flatnonzero(is_first), of_row)


def _packed(keys: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """One number a row that orders like the keys."""
    packed, size = keys[0], 0
    if len(keys) == 1 or not len(packed):
        return packed
    for index, key in enumerate(keys):
        shifted, width = _from_zero(key)
        if index == 0:
            packed, size = shifted, width
            continue
        if size * width >= _MOST_KEYS:
            packed = np.unique(packed, return_inverse=True)[1].astype(np.int64)
            size = int(packed.max()) + 1
        if size * width >= _MOST_KEYS:
            shifted = np.unique(shifted, return_inverse=True)[1].astype(np.int64)
            width = int(shifted.max()) + 1
        packed, size = packed * width + shifted, size * width
    return packed


def _from_zero(key: npt.NDArray[Any]) -> tuple[Integers, int]:
    lowest, highest = int(key.min()), int(key.max())
    if highest - lowest >= _MOST_KEYS:
        ranks = np.unique(key, return_inverse=True)[1].astype(np.int64)
        return ranks, int(ranks.max()) + 1
    return key.astype(np.int64) - lowest, highest - lowest + 1


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows of one kind of rollup."""

    texts: dict[str, Texts]
    numbers: dict[str, Integers]
    entries: Entries | None = None

    def __len__(self) -> int:
        return len(next(iter(self.numbers.values())))

    @staticmethod
    def of(tables: Sequence[pa.Table], texts: Sequence[str], numbers: Sequence[str], *, entries: str | None) -> Frame:
        """Rows of all tables end to end."""
        starts = np.cumsum([0, *(table.num_rows for table in tables)])
        return Frame(
            {name: _joined_texts([Texts.of(table[name]) for table in tables]) for name in texts},
            {name: _joined([_numbers(table[name]) for table in tables], np.int64) for name in numbers},
            _joined_entries([Entries.of(table[entries]) for table in tables], starts) if entries else None,
        )

    @staticmethod
    def joined(frames: Sequence[Frame]) -> Frame:
        """Rows of all frames, at least one, end to end."""
        if len(frames) == 1:
            return frames[0]
        starts = np.cumsum([0, *(len(frame) for frame in frames)])
        entries = [frame.entries for frame in frames if frame.entries is not None]
        return Frame(
            {name: _joined_texts([frame.texts[name] for frame in frames]) for name in frames[0].texts},
            {name: _joined([frame.numbers[name] for frame in frames], np.int64) for name in frames[0].numbers},
            _joined_entries(entries, starts) if entries else None,
        )

    def where(self, keep: npt.NDArray[np.bool_]) -> Frame:
        """The rows in `keep`."""
        entries = None
        if self.entries is not None:
            kept = keep[self.entries.row]
            place = np.cumsum(keep) - 1
            entries = Entries(place[self.entries.row[kept]], self.entries.bucket[kept], self.entries.count[kept])
        return Frame(
            {name: Texts(texts.codes[keep], texts.values) for name, texts in self.texts.items()},
            {name: numbers[keep] for name, numbers in self.numbers.items()},
            entries,
        )

    def texts_of(self, name: str, rows: Integers) -> list[str]:
        """The text in each of these rows."""
        texts = self.texts[name]
        return [texts.values[code] for code in texts.codes[rows].tolist()]

    def first_rows(self, name: str) -> Integers:
        """One row for each text that occurs in this column."""
        rows: Integers = np.unique(self.texts[name].codes, return_index=True)[1]
        return rows

    def key(self, name: str) -> Integers:
        """A column to group by."""
        return self.texts[name].codes if name in self.texts else self.numbers[name]


def one_chunk(column: Array) -> Array:
    """The column as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def numbers_array(numbers: npt.NDArray[Any]) -> Array:
    """As an Arrow array."""
    return pa.array(numbers)


def _numbers(column: Array) -> Integers:
    array = one_chunk(column)
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.int64())
    integers: Integers = array.to_numpy(zero_copy_only=False).astype(np.int64)
    return integers


def _joined(arrays: Sequence[npt.NDArray[Any]], dtype: Any) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *arrays]) if len(arrays) != 1 else arrays[0]


def _joined_texts(columns: Sequence[Texts]) -> Texts:
    if len(columns) == 1:
        return columns[0]
    words = Words()
    codes = [words.numbers(column.values)[column.codes] for column in columns]
    return Texts(_joined(codes, np.int64), words.values)


def _joined_entries(parts: Sequence[Entries], starts: Integers) -> Entries:
    return Entries(
        _joined([part.row + start for part, start in zip(parts, starts, strict=False)], np.int64),
        _joined([part.bucket for part in parts], np.int16),
        _joined([part.count for part in parts], np.int64),
    )


@dataclass(frozen=True, slots=True)
class Maps:
    """An Arrow MAP column: row i has the entries from `offsets[i]` to `offsets[i + 1]`."""

    offsets: npt.NDArray[np.int32]
    keys: Array
    items: Array


def map_of(column: Array) -> Maps:
    """Offsets start at 0."""
    array = one_chunk(column)
    offsets = offsets_of(array)
    first, length = int(offsets[0]), int(offsets[-1] - offsets[0])
    return Maps(offsets - offsets[0], array.keys.slice(first, length), array.items.slice(first, length))


def lists_of(column: Array) -> tuple[npt.NDArray[np.int32], Any, Any]:
    """Lengths, keys and items of an Arrow MAP column."""
    maps = map_of(column)
    return np.diff(maps.offsets), maps.keys, maps.items
