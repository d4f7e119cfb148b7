"""The events of a trace with their attributes, by time."""

from __future__ import annotations

from typing import Any, Final

from quacktrace_collector.query.attributes import attribute_list
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import format_time
from quacktrace_collector.store import Store

MOST_EVENTS: Final = 5_000


def trace_events(store: Store, trace_id: str) -> dict[str, Any]:
    """The first of them; a trace without events and one that is not stored have none."""
    parameters = {"trace_id": trace_id, "limit": MOST_EVENTS + 1}
    rows = store.query(Query.TRACE_EVENT_DETAILS.sql, parameters, trace_ids=[trace_id]).to_pylist()
    events = [
        {
            "span_id": row["span_id"],
            "time": format_time(row["time_ns"]),
            "name": row["name"],
            "attributes": attribute_list(row["attributes"], row["attributes_types"]),
        }
        for row in rows[:MOST_EVENTS]
    ]
    return {"truncated": len(rows) > MOST_EVENTS, "events": events}
