"""The trace index in numpy, without its lists of services: a third of the memory, for answers about all traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from quacktrace_collector.store.id_numbers import NO_ID, Numbers, id_numbers, trace_number_of
from quacktrace_collector.store.rollups.frame import Texts, compute, group_rows, numbers_array
from quacktrace_collector.store.rollups.histogram import Integers
from quacktrace_collector.store.rollups.traces import TRACES
from quacktrace_collector.store.sealed.checksums import check_file

Counts = npt.NDArray[np.int32]
Root = tuple[str, str, bool]

_ROOT_TEXTS: Final = ("root_service_name", "root_name", "root_status_code")
_TIMES: Final = {
    "start_ns": "start_time",
    "end_ns": "end_time",
    "root_start_ns": "root_start_time",
    "root_duration_ns": "root_duration_ns",
}
_COUNTS: Final = ("span_count", "error_count")
_COLUMNS: Final = ("trace_id", "root_span_id", *_TIMES.values(), *_COUNTS, *_ROOT_TEXTS)
_NUMBERS: Final = ("trace", "root_span_id", *_TIMES, *_COUNTS)
_ROW_BYTES: Final = 60


@dataclass(frozen=True, slots=True)
class TraceFrame:
    """Rows of the trace index, in order of start. `roots[root[row]]` is service, name and whether it failed."""

    trace: Numbers
    root_span_id: Numbers
    start_ns: Integers
    end_ns: Integers
    root_start_ns: Integers
    root_duration_ns: Integers
    span_count: Counts
    error_count: Counts
    root: Counts
    roots: list[Root]

    @staticmethod
    def of(table: pa.Table) -> TraceFrame:
        """The rows of a table of the trace index."""
        root, roots = _roots(table)
        times: dict[str, Any] = {field: table[name].cast(pa.int64()).to_numpy() for field, name in _TIMES.items()}
        counts: dict[str, Any] = {name: table[name].to_numpy().astype(np.int32) for name in _COUNTS}
        return TraceFrame(
            trace=trace_number_of(table["trace_id"]),
            root_span_id=id_numbers(table["root_span_id"], 16)[:, 0],
            root=root,
            roots=roots,
            **times,
            **counts,
        )

    @staticmethod
    def read(folder: Path) -> TraceFrame:
        """A segment's. Raises OSError or pa.ArrowInvalid when its trace index is absent or damaged."""
        path = folder / "traces.parquet"
        check_file(folder, path.name)
        table = pq.read_table(
            path, columns=list(_COLUMNS), read_dictionary=list(_ROOT_TEXTS), use_threads=False, partitioning=None
        )
        return TraceFrame.of(table)

    @staticmethod
    def joined(frames: Sequence[TraceFrame]) -> TraceFrame:
        """The rows of all frames end to end."""
        frames = frames or [TraceFrame.of(TRACES.empty_table())]
        numbers: dict[Root, int] = {}
        root = []
        for frame in frames:
            place = np.array([numbers.setdefault(one, len(numbers)) for one in frame.roots], np.int32)
            root.append(place[frame.root] if len(frame) else frame.root)
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(frame, name) for frame in frames]) for name in _NUMBERS
        }
        return TraceFrame(**columns, root=np.concatenate(root), roots=list(numbers))

    def __len__(self) -> int:
        return len(self.trace)

    @property
    def size_bytes(self) -> int:
        """About what it takes in memory."""
        return _ROW_BYTES * len(self) + 200 * len(self.roots)

    def within(self, from_ns: int, to_ns: int) -> TraceFrame:
        """The rows that start in the range; no copy."""
        first, end = np.searchsorted(self.start_ns, [from_ns, to_ns]).tolist()
        return self._at(slice(first, end))

    def of_traces(self, traces: Numbers) -> TraceFrame:
        """The rows of these traces."""
        return self._at(self.rows_of(traces))

    def rows_of(self, traces: Numbers) -> npt.NDArray[np.int64]:
        """Where these traces are."""
        found = compute.is_in(numbers_array(self.trace), value_set=numbers_array(traces))
        return np.flatnonzero(found.to_numpy(zero_copy_only=False))

    def durations_ns(self) -> Integers:
        """Of the root where there is one, else of the whole trace."""
        return np.where(self.root_span_id != NO_ID, self.root_duration_ns, self.end_ns - self.start_ns)

    def merged(self) -> TraceFrame:
        """One row a trace, in order of start."""
        groups = group_rows([self.trace])
        if len(groups) == len(self):
            return self._at(np.argsort(self.start_ns, kind="stable"))
        is_rootless = self.root_span_id == NO_ID
        # The earliest root; any row where none has one.
        best = np.lexsort((self.root_span_id, self.root_start_ns, is_rootless, groups.of_row))[groups.starts]
        start_ns = groups.least(self.start_ns)
        merged = replace(
            self._at(best),
            start_ns=start_ns,
            end_ns=groups.most(self.end_ns),
            span_count=groups.sums(self.span_count).astype(np.int32),
            error_count=groups.sums(self.error_count).astype(np.int32),
        )
        return merged._at(np.argsort(start_ns, kind="stable"))

    def rows_with_root(self) -> npt.NDArray[np.int64]:
        """Those whose part of the trace has a span without a parent."""
        return np.flatnonzero(self.root_span_id != NO_ID)

    def _at(self, rows: Any) -> TraceFrame:
        columns: dict[str, Any] = {name: getattr(self, name)[rows] for name in (*_NUMBERS, "root")}
        return replace(self, **columns)


def _roots(table: pa.Table) -> tuple[Counts, list[Root]]:
    if not table.num_rows:
        return np.empty(0, np.int32), []
    texts = [Texts.of(table[name].unify_dictionaries()) for name in _ROOT_TEXTS]
    groups = group_rows([one.codes for one in texts])
    service, name, status = ([one.values[code] for code in one.codes[groups.first].tolist()] for one in texts)
    failed = [code == "ERROR" for code in status]
    return groups.of_row.astype(np.int32), list(zip(service, name, failed, strict=True))
