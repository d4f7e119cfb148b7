"""A trace as OTLP JSON that imports back identical."""

from __future__ import annotations

from typing import Any, Final

from quacktrace_collector.errors import QueryTooLargeError
from quacktrace_collector.query.otlp_documents import trace_request
from quacktrace_collector.query.trace_spans import rows_to_keep, trace_not_found
from quacktrace_collector.query.trace_table import trace_table
from quacktrace_collector.store import Store

_MOST_EXPORTED: Final = 100_000
_COLUMNS: Final = (
    *("trace_id", "span_id", "parent_span_id", "trace_state", "flags", "name", "kind", "start_time", "end_time"),
    *("status_code", "status_message", "attributes", "attributes_types", "events", "links"),
    *("dropped_attributes_count", "dropped_events_count", "dropped_links_count"),
    *("resource", "resource_types", "resource_dropped_attributes_count", "resource_entity_refs", "resource_schema_url"),
    *("scope_name", "scope_version", "scope_attributes", "scope_attributes_types"),
    *("scope_dropped_attributes_count", "scope_schema_url", "received_at", "is_open"),
)


def export_trace(store: Store, trace_id: str) -> dict[str, Any]:
    """An ExportTraceServiceRequest; spans of one resource and scope stand together, by start time.

    Raises:
        NotFoundError: no span of the trace is stored.
        QueryTooLargeError: more than 100,000 are.
    """
    table = trace_table(store, trace_id, _COLUMNS).sort_by([("start_ns", "ascending"), ("span_id", "ascending")])
    if not table.num_rows:
        raise trace_not_found(trace_id)
    if table.num_rows > _MOST_EXPORTED:
        raise QueryTooLargeError(
            f"the trace has more than {_MOST_EXPORTED:,} spans", hint="read it with SQL, in parts or as Parquet"
        )
    keep = rows_to_keep(table)
    return trace_request((table if keep is None else table.take(keep)).to_pylist())
