"""The columns of spans and logs, once: Arrow schemas that decode produces, hot tables hold and sealed files extend.

A span's resource and scope are the same for thousands of spans, so they are an *origin*: one row per distinct
(resource, scope) pair, referred to by `origin_id` while spans are hot. Sealed files are flat: the origin's columns
stand in each span's row, dictionary-encoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

TIMESTAMP: Final = pa.timestamp("ns")
OPEN_STATE_KEY: Final = "quacktrace.span.state"
"""The attribute that says `open` on a span that was sent before it ended."""

# Inserting a MAP into DuckDB costs 4.6 µs a span, a list of pairs 2.2: maps are made by the views and at sealing.
ATTRIBUTE_LIST: Final = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
ATTRIBUTE_MAP: Final = pa.map_(pa.string(), pa.string())

EVENT: Final = pa.struct(
    [
        ("time", TIMESTAMP),
        ("name", pa.string()),
        ("attributes", ATTRIBUTE_MAP),
        ("attributes_types", pa.string()),
        ("dropped_attributes_count", pa.uint32()),
    ]
)
LINK: Final = pa.struct(
    [
        ("trace_id", pa.string()),
        ("span_id", pa.string()),
        ("trace_state", pa.string()),
        ("flags", pa.uint32()),
        ("attributes", ATTRIBUTE_MAP),
        ("attributes_types", pa.string()),
        ("dropped_attributes_count", pa.uint32()),
    ]
)


@dataclass(frozen=True, slots=True)
class PromotedAttribute:
    """A span attribute with a column of its own: the first key that is present gives the value."""

    column: str
    keys: tuple[str, ...]
    type: pa.DataType = pa.string()  # noqa: RUF009 - Arrow types are immutable singletons


PROMOTED: Final = (
    PromotedAttribute("http_request_method", ("http.request.method", "http.method")),
    PromotedAttribute("http_response_status_code", ("http.response.status_code", "http.status_code"), pa.int32()),
    PromotedAttribute("http_route", ("http.route",)),
    PromotedAttribute("server_address", ("server.address", "net.peer.name")),
    PromotedAttribute("server_port", ("server.port", "net.peer.port"), pa.int32()),
    PromotedAttribute("peer_service", ("service.peer.name", "peer.service")),
    PromotedAttribute("db_system", ("db.system.name", "db.system")),
    PromotedAttribute("db_namespace", ("db.namespace", "db.name")),
    PromotedAttribute("db_operation_name", ("db.operation.name", "db.operation")),
    PromotedAttribute("db_query_text", ("db.query.text", "db.statement")),
    PromotedAttribute("messaging_system", ("messaging.system",)),
    PromotedAttribute("messaging_destination_name", ("messaging.destination.name", "messaging.destination")),
    PromotedAttribute("messaging_operation_type", ("messaging.operation.type", "messaging.operation")),
    PromotedAttribute("rpc_system", ("rpc.system.name", "rpc.system")),
    PromotedAttribute("rpc_service", ("rpc.service",)),
    PromotedAttribute("rpc_method", ("rpc.method",)),
    PromotedAttribute("error_type", ("error.type",)),
)

_Columns = list[tuple[str, pa.DataType]]

_SPAN_COLUMNS: Final[_Columns] = [
    ("trace_id", pa.string()),
    ("span_id", pa.string()),
    ("parent_span_id", pa.string()),
    ("trace_state", pa.string()),
    ("flags", pa.uint32()),
    ("name", pa.string()),
    ("kind", pa.string()),
    ("start_time", TIMESTAMP),
    ("end_time", TIMESTAMP),
    ("duration_ns", pa.int64()),
    ("status_code", pa.string()),
    ("status_message", pa.string()),
    ("attributes", ATTRIBUTE_LIST),
    ("attributes_types", pa.string()),
    ("events", pa.list_(EVENT)),
    ("links", pa.list_(LINK)),
    ("dropped_attributes_count", pa.uint32()),
    ("dropped_events_count", pa.uint32()),
    ("dropped_links_count", pa.uint32()),
    ("received_at", TIMESTAMP),
    ("origin_id", pa.uint64()),
    *((promoted.column, promoted.type) for promoted in PROMOTED),
]
SPANS: Final = pa.schema(_SPAN_COLUMNS)
"""One row per span. `parent_span_id` is NULL for a root; absent promoted columns are NULL; other strings are ''."""

_LOG_COLUMNS: Final[_Columns] = [
    ("time", TIMESTAMP),
    ("observed_time", TIMESTAMP),
    ("severity_number", pa.int32()),
    ("severity_text", pa.string()),
    ("body", pa.string()),
    ("body_type", pa.string()),
    ("attributes", ATTRIBUTE_LIST),
    ("attributes_types", pa.string()),
    ("dropped_attributes_count", pa.uint32()),
    ("flags", pa.uint32()),
    ("trace_id", pa.string()),
    ("span_id", pa.string()),
    ("event_name", pa.string()),
    ("received_at", TIMESTAMP),
    ("origin_id", pa.uint64()),
]
LOGS: Final = pa.schema(_LOG_COLUMNS)
"""One row per log record. `time` falls back to the observed time; `trace_id` and `span_id` are NULL where absent."""

_ORIGIN_COLUMNS: Final[_Columns] = [
    ("origin_id", pa.uint64()),
    ("service_name", pa.string()),
    ("service_namespace", pa.string()),
    ("service_version", pa.string()),
    ("service_instance_id", pa.string()),
    ("deployment_environment", pa.string()),
    ("resource_json", pa.string()),
    ("resource_types", pa.string()),
    ("resource_dropped_attributes_count", pa.uint32()),
    ("resource_entity_refs", pa.string()),
    ("resource_schema_url", pa.string()),
    ("scope_name", pa.string()),
    ("scope_version", pa.string()),
    ("scope_attributes_json", pa.string()),
    ("scope_attributes_types", pa.string()),
    ("scope_dropped_attributes_count", pa.uint32()),
    ("scope_schema_url", pa.string()),
]
ORIGINS: Final = pa.schema(_ORIGIN_COLUMNS)
"""One row per distinct (resource, scope) pair. `…_json` is an object of key to text, `…_types` one letter an entry in
the same order (s i d b y a k n: string, int, double, bool, bytes, array, kvlist, none), `resource_entity_refs` a JSON
list or ''."""

ORIGIN_COLUMNS: Final = tuple(name for name in ORIGINS.names if name != "origin_id")
