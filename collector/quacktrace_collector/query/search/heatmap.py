"""Time against duration, counted: where the slow and the failed ones cluster, of all that was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.query.buckets import Buckets, buckets
from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.search.scopes import Scope, scope_sql
from quacktrace_collector.query.search.sql_files import SearchQuery
from quacktrace_collector.query.traces import TraceFilter, find_trace_rows, trace_durations_ns
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

_MOST_BUCKETS: Final = 120
_ROWS_PER_DECADE: Final = 6
_EVERYTHING: Final = 1 << 40

Integers = npt.NDArray[np.int64]


def trace_heatmap(store: Store, window: Window, cases: Sequence[TraceFilter]) -> dict[str, Any]:
    """All traces that match, by start and by the root's duration (the whole trace's where there is no root)."""
    rows = find_trace_rows(store, window, cases, most=_EVERYTHING, order="slowest")
    cut = buckets(window, most=_MOST_BUCKETS)
    starts: Integers = rows["start_time"].cast(pa.int64()).to_numpy()
    errors: Integers = (rows["error_count"].to_numpy() > 0).astype(np.int64)
    row = np.floor(np.log10(np.maximum(trace_durations_ns(rows), 1)) * _ROWS_PER_DECADE).astype(np.int64)
    return _answer(cut, (starts - cut.origin_ns) // cut.length_ns, row, np.ones(len(starts), np.int64), errors)


def span_heatmap(store: Store, window: Window, wanted: Conditions, *, scope: Scope) -> dict[str, Any]:
    """All spans of the scope that match, by start and duration."""
    cut = buckets(window, most=_MOST_BUCKETS)
    part = window.reach if scope == "entry" else window.narrowed
    table = store.query(
        SearchQuery.SPAN_HEATMAP.sql(matching=wanted.sql, scope=scope_sql(scope)),
        {
            **window.parameters(),
            "origin_ns": cut.origin_ns,
            "length_ns": cut.length_ns,
            "rows_per_decade": _ROWS_PER_DECADE,
            **wanted.parameters,
        },
        time_range=TimeRange(part.from_ns, part.to_ns),
    )
    return _answer(cut, *(table[name].to_numpy().astype(np.int64) for name in ("bucket", "row", "spans", "errors")))


def _answer(cut: Buckets, bucket: Integers, row: Integers, counts: Integers, errors: Integers) -> dict[str, Any]:
    lowest, highest = (int(row.min()), int(row.max())) if len(row) else (0, 0)
    shape = (highest - lowest + 1, cut.count)
    cell = (row - lowest) * cut.count + np.clip(bucket, 0, cut.count - 1)
    size = shape[0] * shape[1]
    return {
        "times": cut.times,
        "bucket_ms": cut.length_ns / 1e6,
        "bounds_ns": [round(10 ** (edge / _ROWS_PER_DECADE)) for edge in range(lowest, highest + 2)],
        "counts": np.bincount(cell, counts, size).astype(np.int64).reshape(shape).tolist(),
        "errors": np.bincount(cell, errors, size).astype(np.int64).reshape(shape).tolist(),
        "total": int(counts.sum()),
    }
