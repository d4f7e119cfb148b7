"""The service graph of the traces that a search finds, read from their spans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import clamp_time
from quacktrace_collector.query.trace_graph import graph_of
from quacktrace_collector.query.traces import TraceFilter, find_trace_rows
from quacktrace_collector.query.window import PAIRING_REACH_NS, Window
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

_MOST_TRACES: Final = 1_000


def search_graph(store: Store, window: Window, cases: Sequence[TraceFilter]) -> dict[str, Any]:
    """Of the newest 1,000 of them, percentiles exact; `seconds` is the length of the range in which these start."""
    found = find_trace_rows(store, window, cases, most=_MOST_TRACES + 1, order="newest")
    rows = found.slice(0, _MOST_TRACES)
    is_truncated = found.num_rows > _MOST_TRACES
    counts = {"traces": rows.num_rows, "truncated": is_truncated}
    whole = window.narrowed
    if not rows.num_rows:
        return {**counts, "seconds": window.seconds, "nodes": [], "edges": []}
    first_ns = int(rows["start_time"].cast(pa.int64()).to_numpy().min())
    trace_ids = [str(trace_id) for trace_id in rows["trace_id"].to_pylist()]
    reach = TimeRange(first_ns, clamp_time(whole.to_ns + PAIRING_REACH_NS))
    parameters = {"trace_ids": trace_ids, "reach_from_ns": reach.from_ns, "reach_to_ns": reach.to_ns}
    entries, calls = (
        store.query(query.sql_of_traces, parameters, time_range=reach, trace_ids=trace_ids).to_pylist()
        for query in (Query.TRACE_ENTRIES, Query.TRACE_EDGES)
    )
    seconds = max((whole.to_ns - first_ns) / 1e9, 1.0) if is_truncated else window.seconds
    return {**counts, "seconds": seconds, **graph_of(entries, calls)}
