"""What a waterfall marks on spans besides the spans themselves: their events, and that they have log records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quacktrace_collector.diagnose.trace_tree import Rows
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import clamp_time
from quacktrace_collector.query.trace_spans import TraceSpans, text_array
from quacktrace_collector.query.window import PAIRING_REACH_NS
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Events stand in any order."""

    event_span_ids: pa.StringArray
    event_time_ns: Rows
    event_names: list[str]
    span_ids_with_logs: pa.StringArray


def load_trace_context(store: Store, trace_id: str, spans: TraceSpans) -> TraceContext:
    """Logs are looked for from a quarter of an hour before the trace until one after it."""
    first, last, end = int(spans.start_ns.min()), int(spans.start_ns.max()), int(spans.end_ns.max())
    parameters = {"trace_id": trace_id}
    events = store.query(
        Query.TRACE_EVENTS.sql, parameters, trace_ids=[trace_id], time_range=TimeRange(first, last + 1)
    )
    logs = store.query(
        "select distinct span_id from logs where trace_id = $trace_id and span_id is not null",
        parameters,
        time_range=TimeRange(clamp_time(first - PAIRING_REACH_NS), clamp_time(end + PAIRING_REACH_NS)),
    )
    return TraceContext(
        event_span_ids=text_array(events["span_id"]),
        event_time_ns=events["time_ns"].to_numpy().astype(np.int64),
        event_names=[str(name) for name in events["name"].to_pylist()],
        span_ids_with_logs=text_array(logs["span_id"]),
    )
