"""The usual traces that one trace is compared with: others of its own root operation, from before it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.diagnose.path_costs import Operation, SpanColumns
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import clamp_time
from quacktrace_collector.query.trace_spans import positions_in, text_array
from quacktrace_collector.query.window import PAIRING_REACH_NS
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.frame import Texts
from quacktrace_collector.time_range import TimeRange

FEWEST: Final = 20
_HOUR_NS: Final = 3_600_000_000_000
# How far, and how many others make that far enough. Six hours, as a fault that lasts for an hour is not yet usual; less
# only where so many traces arrive that even the index of six hours is long.
_LOOK_BACKS: Final = (
    (_HOUR_NS // 6, 5_000),
    (_HOUR_NS, 2_000),
    (6 * _HOUR_NS, FEWEST),
    (7 * 24 * _HOUR_NS, FEWEST),
)
_MOST_TRACES: Final = 100
_MOST_SPANS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Baseline:
    """Traces that did not fail, and the middle half of them by duration, which is what "usual" means."""

    look_back: TimeRange
    durations_ns: list[int]
    """Of all, ascending."""
    usual: list[tuple[str, int]]
    """(trace_id, start) of up to 100 of the middle half."""

    def quantile_ns(self, share: float) -> int:
        """Nearest rank."""
        return self.durations_ns[min(int(share * len(self.durations_ns)), len(self.durations_ns) - 1)]

    def share_below(self, duration_ns: int) -> float:
        """How many of them were faster, from 0 to 1."""
        return bisect_left(self.durations_ns, duration_ns) / len(self.durations_ns)


def find_baseline(store: Store, trace_id: str, root: Operation, *, before_ns: int) -> Baseline | None:
    """From the hours before the trace, or the seven days if those have too few; None when these have too."""
    for look_back_ns, enough in _LOOK_BACKS:
        look_back = TimeRange(clamp_time(before_ns - look_back_ns), before_ns)
        found: list[tuple[int, int, str]] = []
        for table in store.trace_rows(look_back):
            rows = _rows_like(table, root)
            columns = [table[name].take(rows) for name in ("root_duration_ns", "root_start_time", "trace_id")]
            durations, starts = (column.cast(pa.int64()).to_numpy().tolist() for column in columns[:2])
            found += zip(durations, starts, map(str, columns[2].to_pylist()), strict=True)
        found = [one for one in found if one[2] != trace_id]
        if len(found) >= enough:
            return _baseline(look_back, sorted(found))
    return None


def _baseline(look_back: TimeRange, by_duration: list[tuple[int, int, str]]) -> Baseline:
    quarter = len(by_duration) // 4
    low, high = by_duration[quarter][0], by_duration[-quarter - 1][0]
    middle = [(trace_id, start_ns) for duration_ns, start_ns, trace_id in by_duration if low <= duration_ns <= high]
    # Evenly over the range of durations, so that a hundred stand for all.
    step = max(-(-len(middle) // _MOST_TRACES), 1)
    return Baseline(look_back, [duration_ns for duration_ns, *_ in by_duration], middle[::step])


def _rows_like(traces: pa.Table, root: Operation) -> npt.NDArray[np.int64]:
    """Rows of the trace index whose root is this operation and did not fail."""
    keep = np.ones(traces.num_rows, dtype=np.bool_)
    for column, value in (("root_service_name", root.service_name), ("root_name", root.name)):
        keep &= _equals(traces[column], value)
    keep &= ~_equals(traces["root_status_code"], "ERROR")
    return np.flatnonzero(keep)


def _equals(column: pa.ChunkedArray[Any], value: str) -> npt.NDArray[np.bool_]:
    texts = Texts.of(column)
    equal: npt.NDArray[np.bool_] = texts.codes == (texts.values.index(value) if value in texts.values else -1)
    return equal


def load_usual_spans(store: Store, baseline: Baseline) -> tuple[SpanColumns, list[int]]:
    """The spans of the usual traces and the rows of their roots; a trace that does not fit any more is left out."""
    trace_ids = [trace_id for trace_id, _ in baseline.usual]
    starts = [start_ns for _, start_ns in baseline.usual]
    reach = TimeRange(min(starts), clamp_time(max(starts) + PAIRING_REACH_NS))
    table = store.query(
        Query.EXPLAIN_SPANS.sql,
        {
            "trace_ids": trace_ids,
            "from_ns": reach.from_ns,
            "to_ns": reach.to_ns,
            "limit": _MOST_SPANS,
        },
        time_range=reach,
        trace_ids=trace_ids,
    )
    if table.num_rows == _MOST_SPANS:
        table = table.filter(pc.not_equal(table["trace_id"], table["trace_id"][-1]))
    start_ns = table["start_ns"].to_numpy().astype(np.int64)
    names = (table[column].to_pylist() for column in ("service_name", "name", "kind"))
    spans = SpanColumns(
        parent=positions_in(text_array(table["span_key"]), text_array(table["parent_key"])),
        start_ns=start_ns,
        end_ns=start_ns + table["duration_ns"].to_numpy().astype(np.int64),
        operations=[Operation(*operation) for operation in zip(*names, strict=True)],
    )
    roots: dict[str, int] = {}
    for row, (trace_id, parent_key) in enumerate(
        zip(table["trace_id"].to_pylist(), table["parent_key"].to_pylist(), strict=True)
    ):
        if parent_key is None:
            roots.setdefault(str(trace_id), row)
    return spans, list(roots.values())
