"""The usual traces that one trace is compared with: others of its own root operation, from before it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from quacktrace_collector.diagnose.path_costs import Operation, SpanColumns
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import clamp_time
from quacktrace_collector.query.trace_spans import positions_in, text_array
from quacktrace_collector.query.window import PAIRING_REACH_NS
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

FEWEST: Final = 20
_HOUR_NS: Final = 3_600_000_000_000
_LOOK_BACK_NS: Final = (6 * _HOUR_NS, 7 * 24 * _HOUR_NS)
_MOST_ROOTS: Final = 2_000
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
    """From the six hours before the trace, or the seven days if those have too few; None when these have too."""
    for look_back_ns in _LOOK_BACK_NS:
        look_back = TimeRange(clamp_time(before_ns - look_back_ns), before_ns)
        rows: list[dict[str, Any]] = store.query(
            Query.EXPLAIN_ROOTS.sql,
            {
                "service": root.service_name,
                "operation": root.name,
                "kind": root.kind,
                "trace_id": trace_id,
                "from_ns": look_back.from_ns,
                "to_ns": look_back.to_ns,
                "limit": _MOST_ROOTS,
            },
            time_range=look_back,
        ).to_pylist()
        if len(rows) >= FEWEST:
            durations = sorted(row["duration_ns"] for row in rows)
            low, high = durations[len(rows) // 4], durations[-(len(rows) // 4) - 1]
            usual = [(row["trace_id"], row["start_ns"]) for row in rows if low <= row["duration_ns"] <= high]
            return Baseline(look_back, durations, usual[:_MOST_TRACES])
    return None


def load_usual_spans(store: Store, baseline: Baseline) -> tuple[SpanColumns, list[int]]:
    """The spans of the usual traces and the rows of their roots; a trace that does not fit any more is left out."""
    starts = [start_ns for _, start_ns in baseline.usual]
    reach = TimeRange(min(starts), clamp_time(max(starts) + PAIRING_REACH_NS))
    table = store.query(
        Query.EXPLAIN_SPANS.sql,
        {
            "trace_ids": [trace_id for trace_id, _ in baseline.usual],
            "from_ns": reach.from_ns,
            "to_ns": reach.to_ns,
            "limit": _MOST_SPANS,
        },
        time_range=reach,
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
