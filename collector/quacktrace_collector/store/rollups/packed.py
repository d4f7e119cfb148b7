"""Frames that stay in memory, each number in as few bytes as hold it: a quarter of those that are calculated with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quacktrace_collector.store.rollups.frame import Entries, Frame, Texts
from quacktrace_collector.store.rollups.histogram import Integers

Packed = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class PackedFrame:
    """Rows in order of their minute."""

    minute: Integers
    codes: dict[str, Packed]
    values: dict[str, list[str]]
    numbers: dict[str, Packed]
    offsets: Packed | None
    """Where each row's entries begin, and where the last one's end."""
    bucket: npt.NDArray[np.int16]
    count: Packed

    @staticmethod
    def of(frame: Frame) -> PackedFrame:
        """The same rows."""
        entries = frame.entries
        none = np.empty(0, np.int16)
        return PackedFrame(
            minute=frame.numbers["minute"],
            codes={name: _packed(texts.codes) for name, texts in frame.texts.items()},
            values={name: texts.values for name, texts in frame.texts.items()},
            numbers={name: _packed(numbers) for name, numbers in frame.numbers.items() if name != "minute"},
            offsets=None if entries is None else _packed(np.searchsorted(entries.row, np.arange(len(frame) + 1))),
            bucket=none if entries is None else entries.bucket.copy(),
            count=none if entries is None else _packed(entries.count),
        )

    def __len__(self) -> int:
        return len(self.minute)

    @property
    def size_bytes(self) -> int:
        """Of the arrays; the texts are few."""
        arrays: list[Packed] = [self.minute, self.bucket, self.count, *self.codes.values(), *self.numbers.values()]
        return sum(array.nbytes for array in arrays) + (0 if self.offsets is None else self.offsets.nbytes)

    def within(self, first_ns: int, end_ns: int) -> Frame:
        """The rows of the minutes that start at or after `first_ns` and before `end_ns`."""
        start, stop = np.searchsorted(self.minute, [first_ns, end_ns]).tolist()
        rows = slice(start, stop)
        entries = None
        if self.offsets is not None:
            offsets = self.offsets[start : stop + 1].astype(np.int64)
            held = slice(int(offsets[0]), int(offsets[-1]))
            row = np.repeat(np.arange(stop - start), np.diff(offsets))
            entries = Entries(row, self.bucket[held], self.count[held].astype(np.int64))
        return Frame(
            {name: Texts(codes[rows].astype(np.int64), self.values[name]) for name, codes in self.codes.items()},
            {
                "minute": self.minute[rows],
                **{name: numbers[rows].astype(np.int64) for name, numbers in self.numbers.items()},
            },
            entries,
        )

    def whole(self) -> Frame:
        """All rows."""
        return self.within(np.iinfo(np.int64).min, np.iinfo(np.int64).max)


def _packed(numbers: npt.NDArray[Any]) -> Packed:
    if not len(numbers):
        return numbers.astype(np.int8)
    kind = np.result_type(np.min_scalar_type(numbers.min()), np.min_scalar_type(numbers.max()))
    return numbers.astype(np.int64 if kind.kind == "f" else kind)
