"""Rows of `export_spans.sql` as OTLP JSON that imports back identical."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from quacktrace_collector.decode.any_value import any_value_json
from quacktrace_collector.query.waterfall import KINDS, STATUSES

_RESOURCE: Final = (
    "resource",
    "resource_types",
    "resource_dropped_attributes_count",
    "resource_entity_refs",
    "resource_schema_url",
)
_SCOPE: Final = (
    "scope_name",
    "scope_version",
    "scope_attributes",
    "scope_attributes_types",
    "scope_dropped_attributes_count",
    "scope_schema_url",
)


def trace_request(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An ExportTraceServiceRequest; spans of one resource and scope stand together, in the order of the rows."""
    resources: dict[tuple[Any, ...], dict[str, Any]] = {}
    scopes: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        resource_key = tuple(_hashable(row[name]) for name in _RESOURCE)
        scope_key = (resource_key, *(_hashable(row[name]) for name in _SCOPE))
        if resource_key not in resources:
            resources[resource_key] = _resource_spans(row)
        if scope_key not in scopes:
            scope_spans = _scope_spans(row)
            resources[resource_key]["scopeSpans"].append(scope_spans)
            scopes[scope_key] = scope_spans["spans"]
        scopes[scope_key].append(_span(row))
    return {"resourceSpans": list(resources.values())}


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _resource_spans(row: dict[str, Any]) -> dict[str, Any]:
    resource = _sparse(
        attributes=_attributes(row["resource"], row["resource_types"]),
        droppedAttributesCount=row["resource_dropped_attributes_count"],
        entityRefs=orjson.loads(row["resource_entity_refs"]) if row["resource_entity_refs"] else None,
    )
    return {"resource": resource, "scopeSpans": [], **_sparse(schemaUrl=row["resource_schema_url"])}


def _scope_spans(row: dict[str, Any]) -> dict[str, Any]:
    scope = _sparse(
        name=row["scope_name"],
        version=row["scope_version"],
        attributes=_attributes(row["scope_attributes"], row["scope_attributes_types"]),
        droppedAttributesCount=row["scope_dropped_attributes_count"],
    )
    return {"scope": scope, "spans": [], **_sparse(schemaUrl=row["scope_schema_url"])}


def _span(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "traceId": row["trace_id"],
        "spanId": row["span_id"],
        **_sparse(parentSpanId=row["parent_span_id"], traceState=row["trace_state"], flags=row["flags"]),
        "name": row["name"],
        "kind": KINDS.index(row["kind"]),
        "startTimeUnixNano": str(row["start_ns"]),
        "endTimeUnixNano": str(row["end_ns"]),
        **_sparse(
            attributes=_attributes(row["attributes"], row["attributes_types"]),
            droppedAttributesCount=row["dropped_attributes_count"],
            events=[_event(event) for event in row["events"] or ()],
            droppedEventsCount=row["dropped_events_count"],
            links=[_link(link) for link in row["links"] or ()],
            droppedLinksCount=row["dropped_links_count"],
            status=_sparse(code=STATUSES.index(row["status_code"]), message=row["status_message"]),
        ),
    }


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "timeUnixNano": str(event["time_ns"]),
        "name": event["name"],
        **_sparse(
            attributes=_attributes(event["attributes"], event["attributes_types"]),
            droppedAttributesCount=event["dropped_attributes_count"],
        ),
    }


def _link(link: dict[str, Any]) -> dict[str, Any]:
    return {
        "traceId": link["trace_id"],
        "spanId": link["span_id"],
        **_sparse(
            traceState=link["trace_state"],
            attributes=_attributes(link["attributes"], link["attributes_types"]),
            droppedAttributesCount=link["dropped_attributes_count"],
            flags=link["flags"],
        ),
    }


def _attributes(entries: Iterable[tuple[str, str]] | None, types: str | None) -> list[dict[str, Any]]:
    pairs = list(entries or ())
    letters = (types or "").ljust(len(pairs), "s")
    return [
        {"key": key, "value": any_value_json(value, letter)}
        for (key, value), letter in zip(pairs, letters, strict=True)
    ]


def _sparse(**fields: Any) -> dict[str, Any]:
    """Without what has its default value, as protobuf's own JSON leaves it out."""
    return {name: value for name, value in fields.items() if value}
