"""What a waterfall marks on spans besides the spans themselves: their events, and that they have log records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.diagnose.trace_tree import Rows
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
    first, end = int(spans.start_ns.min()), int(spans.end_ns.max())
    lists: Any = pa.concat_arrays(spans.events.chunks)
    rows: Any = pc.list_parent_indices(lists)
    events: Any = pc.list_flatten(lists)
    logs = store.rows_of_traces(
        "logs",
        [trace_id],
        ["span_id"],
        time_range=TimeRange(clamp_time(first - PAIRING_REACH_NS), clamp_time(end + PAIRING_REACH_NS)),
    )
    return TraceContext(
        event_span_ids=spans.span_ids.take(rows),
        event_time_ns=events.field("time").cast(pa.int64()).to_numpy(),
        event_names=events.field("name").to_pylist(),
        span_ids_with_logs=text_array(pa.chunked_array([logs["span_id"].combine_chunks().unique().drop_null()])),
    )
