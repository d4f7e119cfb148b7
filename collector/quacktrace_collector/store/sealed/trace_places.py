"""In which row groups of a segment a trace has spans, or log records: six bytes a trace and row group.

Two arrays beside each file: the upper 32 bits of each trace's key in order, and for each the number of a row group. Of
100 segments of 5,000 traces one in 8,000 is looked into in vain. They are read, not mapped: a mapped file that is
damaged, or whose disk is, ends the process with SIGBUS. Hashes are even, so a key's place is known within some hundred,
and one small read finds it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.store.seen import trace_keys
from quacktrace_collector.store.views import Kind

_KEYS: Final[Mapping[Kind, str]] = {"spans": "traces.keys.npy", "logs": "logs.keys.npy"}
_GROUPS: Final[Mapping[Kind, str]] = {"spans": "traces.groups.npy", "logs": "logs.groups.npy"}
_MOST_GROUPS: Final = 1 << 16
_HEADER_BYTES: Final = 128
_MAGIC: Final = b"\x93NUMPY\x01\x00"
_SMALL: Final = 16_384
_MANY: Final = 64

Keys = npt.NDArray[np.uint32]
Places = npt.NDArray[np.int64]


class TracePlaces:
    """Collects them while a segment's spans or log records are written."""

    def __init__(self) -> None:
        self._keys: list[Keys] = []

    def of(self, row_groups: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The same row groups, noted as they pass."""
        for table in row_groups:
            self._keys.append(np.unique(_short_keys(table["trace_id"].drop_null())))
            yield table

    def write(self, folder: Path, kind: Kind) -> None:
        """The caller makes the files durable."""
        keys = np.concatenate([np.empty(0, np.uint32), *self._keys])
        groups = np.repeat(np.arange(len(self._keys)), [len(one) for one in self._keys])
        order = np.argsort(keys, kind="stable")
        np.save(folder / _KEYS[kind], keys[order])
        if len(self._keys) <= _MOST_GROUPS:
            np.save(folder / _GROUPS[kind], groups[order].astype(np.uint16))


def held_traces(folder: Path, trace_ids: pa.ChunkedArray[Any]) -> npt.NDArray[np.bool_]:
    """False for each trace that the segment surely has no span of."""
    ranges = _ranges(f"{folder}/{_KEYS['spans']}", _short_keys(trace_ids))
    if ranges is None:
        return np.ones(len(trace_ids), np.bool_)
    held: npt.NDArray[np.bool_] = ranges[:, 0] < ranges[:, 1]
    return held


def keys_of(trace_ids: Sequence[str]) -> Keys:
    """What `row_groups_with` asks each segment by."""
    return _short_keys(pa.chunked_array([pa.array(trace_ids, pa.string())]))


def row_groups_with(folder: Path, kind: Kind, wanted: Keys) -> list[int] | None:
    """Numbers of the row groups that may have rows of these traces, in order; None where that is not known."""
    ranges = _ranges(f"{folder}/{_KEYS[kind]}", wanted)
    if ranges is None:
        return None
    held = [(first, end) for first, end in ranges.tolist() if first < end]
    if not held:
        return []
    numbers: set[int] = set()
    try:
        with _opened(f"{folder}/{_GROUPS[kind]}") as fd:
            for first, end in held:
                found = np.frombuffer(_read(fd, first, end, width=2), np.uint16)
                if len(found) < end - first:
                    return None
                numbers.update(found.tolist())
    except OSError:
        return None
    return sorted(numbers)


def _ranges(path: str, wanted: Keys) -> Places | None:
    """For each key the first place where it stands in the file, and the one after the last; None if nobody knows."""
    try:
        with _opened(path) as fd:
            count = (os.fstat(fd).st_size - _HEADER_BYTES) // 4
            if os.pread(fd, len(_MAGIC), 0) != _MAGIC:
                return None
            if count <= _SMALL or len(wanted) > _MANY:
                return _search(np.frombuffer(_read(fd, 0, count, width=4), np.uint32), wanted)
            margin = int(4 * count**0.5)
            ranges = np.zeros((len(wanted), 2), np.int64)
            for index, key in enumerate(wanted.tolist()):
                first = max(0, key * count // 2**32 - margin)
                keys = np.frombuffer(_read(fd, first, min(count, first + 2 * margin), width=4), np.uint32)
                ranges[index] = _search(keys, wanted[index : index + 1])[0] + first
            return ranges
    except OSError:
        return None


@contextmanager
def _opened(path: str) -> Iterator[int]:
    """A descriptor; a trace is looked for in every segment, and a file object takes three times as long to make."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _read(fd: int, first: int, end: int, *, width: int) -> bytes:
    return os.pread(fd, width * (end - first), _HEADER_BYTES + width * first)


def _search(keys: Keys, wanted: Keys) -> Places:
    ranges = np.empty((len(wanted), 2), np.int64)
    ranges[:, 0] = keys.searchsorted(wanted, "left")
    ranges[:, 1] = keys.searchsorted(wanted, "right")
    return ranges


def _short_keys(trace_ids: pa.ChunkedArray[Any]) -> Keys:
    return (trace_keys(trace_ids) >> np.uint64(32)).astype(np.uint32)
