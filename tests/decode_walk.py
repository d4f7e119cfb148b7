"""What decoding must give: a naive walk over the official protobuf objects, to compare decoding with.

The walk gives rows as dicts of `schema.SPANS` or `schema.LOGS` columns; times are integers, attributes lists of pairs.
"""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace_collector.decode import Decoded, decode_logs, decode_spans
from quacktrace_collector.schema import LOGS, ORIGIN_COLUMNS, SPANS

RECEIVED_AT_NS = 1_795_388_500_000_000_000
MARKER = "…[truncated]"
KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
STATUS_CODES = ["UNSET", "OK", "ERROR"]
LATEST = 2**63 - 2
PROMOTED_TEXT = {
    "http_request_method": ["http.request.method", "http.method"],
    "http_route": ["http.route"],
    "server_address": ["server.address", "net.peer.name"],
    "peer_service": ["service.peer.name", "peer.service"],
    "db_system": ["db.system.name", "db.system"],
    "db_namespace": ["db.namespace", "db.name"],
    "db_operation_name": ["db.operation.name", "db.operation"],
    "db_query_text": ["db.query.text", "db.statement"],
    "messaging_system": ["messaging.system"],
    "messaging_destination_name": ["messaging.destination.name", "messaging.destination"],
    "messaging_operation_type": ["messaging.operation.type", "messaging.operation"],
    "rpc_system": ["rpc.system.name", "rpc.system"],
    "rpc_service": ["rpc.service"],
    "rpc_method": ["rpc.method"],
    "error_type": ["error.type"],
}
PROMOTED_INTEGER = {
    "http_response_status_code": ["http.response.status_code", "http.status_code"],
    "server_port": ["server.port", "net.peer.port"],
}


def span_rows(body: bytes) -> list[dict[str, Any]]:
    """The rows that are to be stored of a valid trace request."""
    request = ExportTraceServiceRequest.FromString(body)
    return [
        row
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
        if (row := _span_row(span, _origin(resource_spans, scope_spans))) is not None
    ]


def log_rows(body: bytes) -> list[dict[str, Any]]:
    """The rows that are to be stored of a valid logs request, with `None` for the time of arrival."""
    request = ExportLogsServiceRequest.FromString(body)
    return [
        row
        for resource_logs in request.resource_logs
        for scope_logs in resource_logs.scope_logs
        for record in scope_logs.log_records
        if (row := _log_row(record, _origin(resource_logs, scope_logs))) is not None
    ]


def _span_row(span: Any, origin: dict[str, Any]) -> dict[str, Any] | None:
    if not _is_id(span.trace_id, 16) or not _is_id(span.span_id, 8) or len(span.parent_span_id) not in (0, 8):
        return None
    if max(span.start_time_unix_nano, span.end_time_unix_nano) > LATEST:
        return None
    attributes, dropped_attributes = _attributes(span.attributes)
    events = [_event(event) for event in span.events[:128]]
    good_links = [link for link in span.links if len(link.trace_id) == 16 and len(link.span_id) == 8]
    links = [_link(link) for link in good_links[:128]]
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex() if any(span.parent_span_id) else None,
        "trace_state": _cut(span.trace_state, 32768),
        "flags": span.flags,
        "name": _cut(span.name, 1024),
        "kind": _enum(span.kind, KINDS),
        "start_time": span.start_time_unix_nano,
        "end_time": span.end_time_unix_nano,
        "duration_ns": max(0, span.end_time_unix_nano - span.start_time_unix_nano),
        "status_code": _enum(span.status.code, STATUS_CODES),
        "status_message": _cut(span.status.message, 32768),
        "attributes": [(key, text) for key, text, _ in attributes],
        "attributes_types": _letters(attributes),
        "events": events,
        "links": links,
        "dropped_attributes_count": _count(span.dropped_attributes_count, dropped_attributes),
        "dropped_events_count": _count(span.dropped_events_count, len(span.events) - len(events)),
        "dropped_links_count": _count(span.dropped_links_count, len(span.links) - len(links)),
        "origin": origin,
        **_promoted(attributes),
    }


def _log_row(record: Any, origin: dict[str, Any]) -> dict[str, Any] | None:
    if max(record.time_unix_nano, record.observed_time_unix_nano) > LATEST:
        return None
    attributes, dropped = _attributes(record.attributes)
    body, letter = _text(record.body)
    return {
        "time": record.time_unix_nano or record.observed_time_unix_nano or None,
        "observed_time": record.observed_time_unix_nano or None,
        "severity_number": record.severity_number,
        "severity_text": _cut(record.severity_text, 1024),
        "body": body,
        "body_type": letter,
        "attributes": [(key, text) for key, text, _ in attributes],
        "attributes_types": _letters(attributes),
        "dropped_attributes_count": _count(record.dropped_attributes_count, dropped),
        "flags": record.flags,
        "trace_id": record.trace_id.hex() if _is_id(record.trace_id, 16) else None,
        "span_id": record.span_id.hex() if _is_id(record.span_id, 8) else None,
        "event_name": _cut(record.event_name, 1024),
        "origin": origin,
    }


def _event(event: Any) -> dict[str, Any]:
    attributes, dropped = _attributes(event.attributes)
    return {
        "time": min(event.time_unix_nano, LATEST),
        "name": _cut(event.name, 1024),
        "attributes": [(key, text) for key, text, _ in attributes],
        "attributes_types": _letters(attributes),
        "dropped_attributes_count": _count(event.dropped_attributes_count, dropped),
    }


def _link(link: Any) -> dict[str, Any]:
    attributes, dropped = _attributes(link.attributes)
    return {
        "trace_id": link.trace_id.hex(),
        "span_id": link.span_id.hex(),
        "trace_state": _cut(link.trace_state, 32768),
        "flags": link.flags,
        "attributes": [(key, text) for key, text, _ in attributes],
        "attributes_types": _letters(attributes),
        "dropped_attributes_count": _count(link.dropped_attributes_count, dropped),
    }


def _origin(of_resource: Any, of_scope: Any) -> dict[str, Any]:
    resource, scope = of_resource.resource, of_scope.scope
    attributes, dropped = _attributes(resource.attributes)
    scope_attributes, scope_dropped = _attributes(scope.attributes)
    texts = {key: text for key, text, _ in attributes}
    environment = texts.get("deployment.environment.name") or texts.get("deployment.environment", "")
    return {
        "service_name": _cut(texts.get("service.name", ""), 256) or "unknown_service",
        "service_namespace": _cut(texts.get("service.namespace", ""), 1024),
        "service_version": _cut(texts.get("service.version", ""), 1024),
        "service_instance_id": _cut(texts.get("service.instance.id", ""), 1024),
        "deployment_environment": _cut(environment, 1024),
        "resource_json": [(key, text) for key, text, _ in attributes],
        "resource_types": _letters(attributes),
        "resource_dropped_attributes_count": _count(resource.dropped_attributes_count, dropped),
        "resource_entity_refs": [
            {
                "schemaUrl": reference.schema_url,
                "type": reference.type,
                "idKeys": list(reference.id_keys),
                "descriptionKeys": list(reference.description_keys),
            }
            for reference in resource.entity_refs
        ],
        "resource_schema_url": _cut(of_resource.schema_url, 1024),
        "scope_name": _cut(scope.name, 1024),
        "scope_version": _cut(scope.version, 1024),
        "scope_attributes_json": [(key, text) for key, text, _ in scope_attributes],
        "scope_attributes_types": _letters(scope_attributes),
        "scope_dropped_attributes_count": _count(scope.dropped_attributes_count, scope_dropped),
        "scope_schema_url": _cut(of_scope.schema_url, 1024),
    }


def _attributes(key_values: Iterable[Any]) -> tuple[list[tuple[str, str, str]], int]:
    """What stays, in order of each key's last occurrence, and how many were dropped."""
    collapsed: dict[str, tuple[str, str]] = {}
    dropped = 0
    for item in key_values:
        key = _cut(item.key, 256)
        if not key:
            dropped += 1
            continue
        collapsed.pop(key, None)
        collapsed[key] = _text(item.value)
    kept = [(key, text, letter) for key, (text, letter) in collapsed.items()]
    return kept[:128], dropped + len(kept[128:])


def _promoted(attributes: list[tuple[str, str, str]]) -> dict[str, Any]:
    by_key = {key: (text, letter) for key, text, letter in attributes}
    columns: dict[str, Any] = {}
    for column, keys in PROMOTED_TEXT.items():
        columns[column] = next((by_key[key][0] for key in keys if key in by_key and by_key[key][1] != "n"), None)
    for column, keys in PROMOTED_INTEGER.items():
        text = next((by_key[key][0] for key in keys if key in by_key and by_key[key][1] in "is"), "")
        is_integer = re.fullmatch("-?[0-9]+", text) and len(text) <= 11 and -(2**31) <= int(text) < 2**31
        columns[column] = int(text) if is_integer else None
    return columns


def _text(value: Any) -> tuple[str, str]:
    match value.WhichOneof("value"):
        case "string_value":
            return _cut(value.string_value, 32768), "s"
        case "int_value":
            return str(value.int_value), "i"
        case "bool_value":
            return ("true" if value.bool_value else "false"), "b"
        case "double_value":
            return repr(value.double_value), "d"
        case "bytes_value":
            return _composite(base64.b64encode(value.bytes_value).decode(), "y")
        case "array_value":
            return _composite(_compact(_json(value)["arrayValue"]), "a")
        case "kvlist_value":
            return _composite(_compact(_json(value)["kvlistValue"]), "k")
    return "", "n"


def _composite(text: str, letter: str) -> tuple[str, str]:
    return (text, letter) if len(text.encode()) <= 32768 else (_cut(text, 32768), "s")


def _json(value: Any) -> dict[str, Any]:
    match value.WhichOneof("value"):
        case "array_value":
            return {"arrayValue": {"values": [_json(item) for item in value.array_value.values]}}
        case "kvlist_value":
            pairs = [{"key": item.key, "value": _json(item.value)} for item in value.kvlist_value.values]
            return {"kvlistValue": {"values": pairs}}
        case "double_value" if not math.isfinite(value.double_value):
            names = {math.inf: "Infinity", -math.inf: "-Infinity"}
            return {"doubleValue": names.get(value.double_value, "NaN")}
        case "double_value":
            return {"doubleValue": value.double_value}
        case "int_value":
            return {"intValue": str(value.int_value)}
        case "bool_value":
            return {"boolValue": value.bool_value}
        case "bytes_value":
            return {"bytesValue": base64.b64encode(value.bytes_value).decode()}
        case "string_value":
            return {"stringValue": value.string_value}
    return {}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _cut(text: str, limit: int) -> str:
    if len(text.encode()) <= limit:
        return text
    return text.encode()[: limit - len(MARKER.encode())].decode(errors="ignore") + MARKER


def _letters(attributes: list[tuple[str, str, str]]) -> str:
    return "".join(letter for _, _, letter in attributes)


def _is_id(value: bytes, width: int) -> bool:
    return len(value) == width and any(value)


def _enum(number: int, names: list[str]) -> str:
    return names[number] if 0 <= number < len(names) else names[0]


def _count(sent: int, dropped: int) -> int:
    return min(sent + dropped, 2**32 - 1)


# What decoding gives, in the walk's shape.


def stored_rows(decoded: Decoded, schema: pa.Schema) -> list[dict[str, Any]]:
    decoded.table.validate(full=True)
    assert decoded.table.schema.equals(schema)
    plain = decoded.table.cast(pa.schema([(field.name, without_times(field.type)) for field in schema]))
    rows = plain.to_pylist()
    for row in rows:
        row["origin"] = stored_origin(decoded, row.pop("origin_id"))
        row["attributes"] = [(pair["key"], pair["value"]) for pair in row["attributes"]]
        assert row.pop("received_at") == RECEIVED_AT_NS
    return rows


def stored_origin(decoded: Decoded, origin_id: int) -> dict[str, Any]:
    origin = dict(zip(ORIGIN_COLUMNS, decoded.origins[origin_id].values, strict=True))
    for column in ("resource_json", "scope_attributes_json"):
        origin[column] = json.loads(
            str(origin[column]), object_pairs_hook=lambda pairs: [tuple(pair) for pair in pairs]
        )
    origin["resource_json"] = origin["resource_json"] or []
    origin["scope_attributes_json"] = origin["scope_attributes_json"] or []
    origin["resource_entity_refs"] = json.loads(str(origin["resource_entity_refs"] or "[]"))
    return origin


def without_times(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.int64()
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, without_times(field.type)) for field in kind])
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        return pa.list_(without_times(kind.value_type))
    return kind


def comparable(value: Any, letters: str = "") -> Any:
    """The same with everything that may be written in more than one way (doubles, JSON of arrays) in one way."""
    if isinstance(value, dict):
        return {
            key: comparable(item, value.get(LETTERS_OF.get(key, ""), "")) if not key.endswith("_types") else item
            for key, item in value.items()
            if key != "body"
        } | ({"body": one_way(value["body"], value["body_type"])} if "body" in value else {})
    if isinstance(value, list) and letters:
        return [(key, one_way(text, letter)) for (key, text), letter in zip(value, letters, strict=True)]
    return [comparable(item) for item in value] if isinstance(value, list) else value


LETTERS_OF = {
    "attributes": "attributes_types",
    "resource_json": "resource_types",
    "scope_attributes_json": "scope_attributes_types",
}


def one_way(text: str, letter: str) -> Any:
    if letter == "d":
        return "NaN" if math.isnan(float(text)) else struct.pack("d", float(text))
    return json.dumps(json.loads(text)) if letter in "ak" else text


def assert_spans_decode_as_walked(bodies: list[bytes]) -> None:
    decoded = decode_spans(bodies, received_at_ns=RECEIVED_AT_NS)
    walked = [span_rows(body) for body in bodies]
    assert decoded.rows == [len(rows) for rows in walked]
    stored = stored_rows(decoded, SPANS)
    assert comparable(stored) == comparable([row for rows in walked for row in rows])


def assert_logs_decode_as_walked(bodies: list[bytes]) -> None:
    decoded = decode_logs(bodies, received_at_ns=RECEIVED_AT_NS)
    walked = [log_rows(body) for body in bodies]
    assert decoded.rows == [len(rows) for rows in walked]
    expected = [row | {"time": row["time"] or RECEIVED_AT_NS} for rows in walked for row in rows]
    assert comparable(stored_rows(decoded, LOGS)) == comparable(expected)
