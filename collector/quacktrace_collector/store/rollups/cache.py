"""Rollups of sealed segments in memory, in the forms that are asked for: those used last, in bounded bytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa

from quacktrace_collector.store.recent_values import RecentValues
from quacktrace_collector.store.rollups.files import TRACE_ROW_GROUP_ROWS, TraceFile, read_rollup_table
from quacktrace_collector.store.rollups.frame import Frame
from quacktrace_collector.store.rollups.histogram import Integers
from quacktrace_collector.store.rollups.packed import PackedFrame
from quacktrace_collector.store.rollups.tables import (
    Rollup,
    edge_frame,
    entries_of,
    instance_frame,
    merge_edges,
    merge_instances,
    merge_red,
    red_frame,
    sum_entries,
    summed_frame,
)
from quacktrace_collector.store.rollups.trace_frame import TraceFrame
from quacktrace_collector.store.snapshot import Segment
from quacktrace_collector.time_range import TimeRange

_ROLLUP_BYTES: Final = 48 << 20
"""Packed, those of 10 million spans of a day take 35 MB."""
_WARM_BYTES: Final = 24 << 20
_TRACE_BYTES: Final = 24 << 20
_TRACE_FRAME_BYTES: Final = 48 << 20
"""Of 800,000 traces."""
WHOLE: Final = 0
"""As a grain: one row a key, of any minute."""
MINUTE_NS: Final = 60 * 10**9
_MERGE: Final[dict[str, Callable[..., pa.Table]]] = {
    "red": merge_red,
    "entries": merge_red,
    "edges": merge_edges,
    "instances": merge_instances,
}
FRAME_OF: Final[dict[str, Callable[..., Frame]]] = {
    "red": red_frame,
    "entries": red_frame,
    "edges": edge_frame,
    "instances": instance_frame,
}


class RollupCache:
    """Thread-safe; two threads that miss the same thing both make it."""

    def __init__(self, recompute: Callable[[Segment], Rollup]) -> None:
        self._recompute = recompute
        self._rollups = RecentValues(_ROLLUP_BYTES)
        self._traces = RecentValues(_TRACE_BYTES)
        self._trace_frames = RecentValues(_TRACE_FRAME_BYTES)

    def table(self, segment: Segment, name: str, *, grain_ns: int = MINUTE_NS) -> pa.Table:
        """`red`, `entries`, `edges` or `instances`, summed over so long a time."""

        def make() -> pa.Table:
            if name == "entries" and grain_ns == MINUTE_NS:
                return sum_entries(self.table(segment, "red"))
            if grain_ns == MINUTE_NS:
                return self._read(segment, name)
            # Not kept: whoever asks for hours seldom asks for each minute too.
            minutes = sum_entries(self._read(segment, "red")) if name == "entries" else self._read(segment, name)
            if grain_ns == WHOLE:
                return _MERGE[name]([minutes], without_minute=True)
            return _MERGE[name]([_floored(minutes, grain_ns)])

        return self._rollups.get((segment.path, name, grain_ns), make, _table_bytes)

    def frame(self, segment: Segment, name: str, time_range: TimeRange, *, grain_ns: int = MINUTE_NS) -> Frame:
        """The rows of the range's minutes ready to be added up, without the examples' ids."""
        return self._frame(segment, name, grain_ns).within(time_range.from_ns, time_range.to_ns)

    def warm(self, segment: Segment) -> bool:
        """Read what overviews of any hour ask for; False once there is no more room for that."""
        if self._rollups.size_bytes > _WARM_BYTES:
            return False
        for name in ("entries", "instances", "edges"):
            self._frame(segment, name, MINUTE_NS)
        return True

    def _frame(self, segment: Segment, name: str, grain_ns: int) -> PackedFrame:
        def make() -> PackedFrame:
            if grain_ns == WHOLE:
                minutes = self._frame(segment, name, MINUTE_NS).whole()
                return PackedFrame.of(summed_frame(name, minutes, without_minute=True))
            if name == "entries":
                return PackedFrame.of(summed_frame(name, entries_of(red_frame([self._read(segment, "red")]))))
            return PackedFrame.of(FRAME_OF[name]([self._read(segment, name)]))

        return self._rollups.get((segment.path, name, grain_ns, "frame"), make, lambda frame: frame.size_bytes)

    def traces(self, segment: Segment, time_range: TimeRange) -> list[pa.Table]:
        """Tables of the trace index, in order of start, that may have rows of the range."""
        try:
            file = self._traces.get((segment.path, "bounds"), lambda: TraceFile.of(segment.path), lambda _: 1_000)
            return [
                self._traces.get((segment.path, group), partial(file.read, group), _table_bytes)
                for group in file.row_groups(time_range)
            ]
        except (OSError, pa.ArrowInvalid):
            key = (segment.path, "recomputed")
            return [self._traces.get(key, lambda: self._recompute(segment).traces, _table_bytes)]

    def traces_at(self, segment: Segment, rows: Integers) -> pa.Table:
        """These rows of the segment's trace index, in order; a few of them, and nothing of it stays in memory."""
        try:
            file = TraceFile.of(segment.path)
            group = rows // TRACE_ROW_GROUP_ROWS
            parts = [
                file.read(number).take(rows[group == number] - number * TRACE_ROW_GROUP_ROWS)
                for number in np.unique(group).tolist()
            ]
            return pa.concat_tables(parts)
        except (OSError, pa.ArrowInvalid):
            return self._recompute(segment).traces.take(rows)

    def trace_frame(self, segment: Segment) -> TraceFrame:
        """The whole trace index of the segment."""

        def make() -> TraceFrame:
            try:
                return TraceFrame.read(segment.path)
            except (OSError, pa.ArrowInvalid):
                return TraceFrame.of(self._recompute(segment).traces)

        return self._trace_frames.get(segment.path, make, lambda frame: frame.size_bytes)

    def _read(self, segment: Segment, name: str) -> pa.Table:
        try:
            return read_rollup_table(segment.path, name)
        except (OSError, pa.ArrowInvalid):
            # Sealed before there were rollups, or damaged: the spans are the truth.
            return self._recompute(segment).tables()[name]


def _floored(table: pa.Table, grain_ns: int) -> pa.Table:
    minutes = table["minute"].cast(pa.int64()).to_numpy()
    place = table.schema.get_field_index("minute")
    floored = pa.array(minutes // grain_ns * grain_ns).cast(table.schema.field(place).type)
    return table.set_column(place, table.schema.field(place), floored)


def _table_bytes(table: pa.Table) -> int:
    size: int = table.nbytes
    return size
