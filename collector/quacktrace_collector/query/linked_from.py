"""Links the other way: the spans that link to a span."""

from __future__ import annotations

from typing import Any, Final

from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import clamp_time, format_time
from quacktrace_collector.query.trace_spans import trace_not_found
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

# A batch links to messages that waited; further away nobody looks, and every file between would have to be read.
_BEFORE_NS: Final = 3_600_000_000_000
_AFTER_NS: Final = 24 * 3_600_000_000_000
MOST_LINKS: Final = 100


def linked_from(store: Store, trace_id: str, span_id: str) -> dict[str, Any]:
    """Spans that start from an hour before the trace until a day after it; NotFoundError when it is not stored."""
    starts = store.query(
        "select epoch_ns(min(start_time)) as start_ns from spans where trace_id = $trace_id",
        {"trace_id": trace_id},
        trace_ids=[trace_id],
    )
    start_ns = starts["start_ns"][0].as_py()
    if start_ns is None:
        raise trace_not_found(trace_id)
    reach = TimeRange(clamp_time(start_ns - _BEFORE_NS), clamp_time(start_ns + _AFTER_NS))
    rows = store.query(
        Query.LINKED_FROM.sql,
        {
            "trace_id": trace_id,
            "span_id": span_id,
            "from_ns": reach.from_ns,
            "to_ns": reach.to_ns,
            "limit": MOST_LINKS + 1,
        },
        time_range=reach,
    ).to_pylist()
    spans = [
        {
            **{name: row[name] for name in ("trace_id", "span_id", "service_name", "name")},
            "start_time": format_time(row["start_ns"]),
        }
        for row in rows[:MOST_LINKS]
    ]
    return {"truncated": len(rows) > MOST_LINKS, "spans": spans}
