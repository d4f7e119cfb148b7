"""What a query can read and call, described: the source of `GET /api/v1/schema`, docs/sql.md and the gate's lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from quacktrace_collector.schema import PROMOTED
from quacktrace_collector.sql.library import recipes
from quacktrace_collector.sql.macro_catalogue import MACROS

__all__ = [
    "EXAMPLES",
    "TABLES",
    "Example",
    "Table",
    "describe",
]


@dataclass(frozen=True, slots=True)
class Table:
    """A view that queries may read; `columns` says what each one means, in order."""

    description: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Example:
    """A query that runs, and what it answers."""

    title: str
    query: str


_SPAN_KEY: Final = {
    "trace_id": "Trace, 32 hex digits in lower case.",
    "span_id": "Span, 16 hex digits in lower case.",
}
_RESOURCE: Final = {
    "service_name": "service.name of the resource; unknown_service where there is none.",
    "service_namespace": "service.namespace of the resource, or ''.",
    "service_version": "service.version of the resource, or ''.",
    "service_instance_id": "service.instance.id of the resource, or ''.",
    "deployment_environment": "deployment.environment.name (or deployment.environment) of the resource, or ''.",
    "scope_name": "Instrumentation scope, usually a library's name.",
    "scope_version": "Version of the instrumentation scope.",
}
_ATTRIBUTES: Final = {
    "attributes": "Attributes by key; values as text. attributes['http.route'] is NULL where the key is absent.",
    "attributes_types": "A letter an attribute: s string, i int, d double, b bool, y bytes, a array, k kvlist, n none.",
    "resource": "Attributes of the resource.",
    "resource_types": "Types of the resource's attributes, one letter each.",
    "scope_attributes": "Attributes of the instrumentation scope.",
    "scope_attributes_types": "Types of the scope's attributes, one letter each.",
}
_DROPPED: Final = {
    "resource_dropped_attributes_count": "Attributes that the SDK left out of the resource.",
    "scope_dropped_attributes_count": "Attributes that the SDK left out of the scope.",
    "resource_schema_url": "Schema of the resource's attributes, or ''.",
    "scope_schema_url": "Schema of the scope's attributes, or ''.",
    "resource_entity_refs": "Entity references of the resource as a JSON list, or ''.",
    "received_at": "When the collector stored it; retention counts from here.",
}
_CALL_STATISTICS: Final = {
    "calls": "How many.",
    "errors": "How many of them have status ERROR.",
    "duration_sum_ns": "Sum of their durations in nanoseconds.",
    "duration_max_ns": "The longest of them in nanoseconds.",
    "durations": "Histogram: bucket b counts durations in (2^(b/8), 2^((b+1)/8)] ns; see quantile_ms.",
}

TABLES: Final[Mapping[str, Table]] = {
    "spans": Table(
        "One row per span.",
        {
            **_SPAN_KEY,
            "parent_span_id": "Parent span; NULL for a root.",
            "trace_state": "W3C trace state, or ''.",
            "flags": "W3C trace flags and OTLP's remote bits.",
            "name": "Span name: the operation.",
            "kind": "UNSPECIFIED, INTERNAL, SERVER, CLIENT, PRODUCER or CONSUMER.",
            "start_time": "Start in UTC, nanoseconds.",
            "end_time": "End in UTC, as sent.",
            "duration_ns": "End minus start in nanoseconds; 0 where the end lies before the start.",
            "status_code": "UNSET, OK or ERROR.",
            "status_message": "Status description, or ''.",
            **_RESOURCE,
            **_ATTRIBUTES,
            "events": "List of (time, name, attributes, …); see the view events.",
            "links": "List of (trace_id, span_id, trace_state, flags, attributes, …); see the view links.",
            "dropped_attributes_count": "Attributes that the SDK or a limit left out.",
            "dropped_events_count": "Events that the SDK or a limit left out.",
            "dropped_links_count": "Links that the SDK or a limit left out.",
            **_DROPPED,
            **{promoted.column: f"Attribute {' or '.join(promoted.keys)}; NULL where absent." for promoted in PROMOTED},
        },
    ),
    "logs": Table(
        "One row per log record.",
        {
            "time": "When it happened, in UTC; the observed time where that is all there is.",
            "observed_time": "When it was collected.",
            "severity_number": "1-4 TRACE, 5-8 DEBUG, 9-12 INFO, 13-16 WARN, 17-20 ERROR, 21-24 FATAL, 0 unknown.",
            "severity_text": "The severity as the source calls it, or ''.",
            "body": "The message; a structured body as JSON.",
            "body_type": "Type letter of the body.",
            "trace_id": "Trace it belongs to; NULL for none.",
            "span_id": "Span it belongs to; NULL for none.",
            **_RESOURCE,
            "event_name": "Name of the event, or ''.",
            **_ATTRIBUTES,
            "dropped_attributes_count": "Attributes that the SDK or a limit left out.",
            "flags": "W3C trace flags.",
            **_DROPPED,
        },
    ),
    "traces": Table(
        "One row per trace.",
        {
            "trace_id": "Trace, 32 hex digits in lower case.",
            "start_time": "Earliest start of its spans.",
            "end_time": "Latest end of its spans.",
            "duration_ns": "Latest end minus earliest start in nanoseconds.",
            "root_service_name": "Service of the earliest span without a parent; NULL where there is none.",
            "root_name": "Name of that span.",
            "root_span_id": "Id of that span.",
            "root_duration_ns": "Duration of that span: what a user waited, without asynchronous work after it.",
            "root_status_code": "Status of that span.",
            "span_count": "How many spans.",
            "error_count": "How many of them have status ERROR.",
            "services": "Spans by service name.",
            "is_complete": "True if no span's parent is missing.",
        },
    ),
    "events": Table(
        "One row per span event.",
        {
            "time": "When it happened, in UTC.",
            "name": "Name; exceptions are called exception.",
            "attributes": "Attributes by key; values as text.",
            "attributes_types": "Types of the attributes, one letter each.",
            "dropped_attributes_count": "Attributes that were left out.",
            **_SPAN_KEY,
            "service_name": "Service of the span.",
            "span_name": "Name of the span.",
            "span_start_time": "Start of the span: filter on it to read less.",
        },
    ),
    "links": Table(
        "One row per span link.",
        {
            "trace_id": "Trace of the span that links.",
            "span_id": "Span that links.",
            "service_name": "Its service.",
            "span_name": "Its name.",
            "span_start_time": "Its start: filter on it to read less.",
            "linked_trace_id": "Trace that is linked to.",
            "linked_span_id": "Span that is linked to.",
            "linked_trace_state": "W3C trace state of the link, or ''.",
            "flags": "W3C trace flags of the link.",
            "attributes": "Attributes by key; values as text.",
            "attributes_types": "Types of the attributes, one letter each.",
            "dropped_attributes_count": "Attributes that were left out.",
        },
    ),
    "errors": Table(
        "One row per span with status ERROR, with its last exception.",
        {
            **_SPAN_KEY,
            "parent_span_id": "Parent span; NULL for a root.",
            "service_name": "Service that failed.",
            "operation": "Name of the span.",
            "kind": "Kind of the span.",
            "start_time": "Start of the span.",
            "duration_ns": "Duration of the span in nanoseconds.",
            "status_message": "Status description, or ''.",
            "exception_type": "exception.type of its last exception event, else error.type.",
            "exception_message": "exception.message of that event, else the status message.",
            "exception_stacktrace": "exception.stacktrace of that event.",
            "http_response_status_code": "HTTP status, NULL where there is none.",
            "is_origin": "True if no child of it failed: the error began here. False: it passes on a child's error.",
            "service_version": "Version of the service that failed, or ''.",
            "service_instance_id": "Instance of the service that failed, or ''.",
        },
    ),
    "edge_calls": Table(
        "One row per call between two services, or from a service to a database, queue or host that sends no spans.",
        {
            **_SPAN_KEY,
            "start_time": "Start of the called span; of the calling one where the callee sends none.",
            "duration_ns": "Duration of that span in nanoseconds.",
            "status_code": "Status of that span.",
            "client_service": "Service that calls.",
            "server_service": "Service that is called, or an inferred name: postgresql://db-0/orders, sqlite@cart.",
            "type": "call, database, messaging, external or link.",
        },
    ),
    "edges": Table(
        "Calls between services, one row per minute and edge.",
        {
            "minute": "Start of the minute, by the start of the calls.",
            "client_service": "Service that calls.",
            "server_service": "Service that is called, or an inferred name.",
            "type": "call, database, messaging, external or link.",
            **_CALL_STATISTICS,
        },
    ),
    "red": Table(
        "Rate, errors and durations, one row per minute, service, operation and kind.",
        {
            "minute": "Start of the minute, by the start of the spans.",
            "service_name": "Service.",
            "operation": "Span name.",
            "kind": "Span kind.",
            "is_entry": "True for spans by which work enters the service; only these count as the service's requests.",
            **_CALL_STATISTICS,
        },
    ),
    "segments": Table(
        "One row per sealed file set; what is newer is still hot.",
        {
            "segment_id": "Number of the segment.",
            "span_count": "Spans in it.",
            "log_count": "Log records in it.",
            "size_bytes": "Size on disk.",
            "first_start_time": "Earliest span start.",
            "last_start_time": "Latest span start.",
            "first_received_at": "Earliest arrival.",
            "last_received_at": "Latest arrival.",
        },
    ),
}

EXAMPLES: Final = tuple(Example(title, query) for title, query in recipes())


def describe(types: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The answer of `GET /api/v1/schema`; `types` is table, column, DuckDB type."""
    return {
        "tables": [
            {
                "name": name,
                "description": table.description,
                "columns": [
                    {"name": column, "type": types.get(name, {}).get(column, ""), "description": description}
                    for column, description in table.columns.items()
                ],
            }
            for name, table in TABLES.items()
        ],
        "macros": [
            {
                "name": macro.name,
                "signature": macro.signature,
                "description": macro.description,
                "columns": [{"name": name, "description": text} for name, text in macro.columns.items()],
                "example": macro.example,
            }
            for macro in MACROS
        ],
        "examples": [{"title": example.title, "query": example.query} for example in EXAMPLES],
    }
