"""Decoding against a naive walk over the official protobuf objects, on generated and on mutated requests.

The walk gives rows as dicts of `schema.SPANS` or `schema.LOGS` columns; times are integers, attributes lists of pairs.
"""

from __future__ import annotations

import base64
import json
import math
import random
import re
import struct
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    EntityRef,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from quacktrace_collector.decode import Decoded, decode_logs, decode_spans
from quacktrace_collector.errors import MalformedBodyError
from quacktrace_collector.receive.canonical import canonical_request
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.schema import LOGS, ORIGIN_COLUMNS, SPANS
from quacktrace_collector.signal_kinds import Signal

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


# Requests.

LONG_KEYS = st.integers(120, 200).map(lambda length: "é" * length)
LONG_TEXTS = st.sampled_from([1_025, 20_000]).map(lambda length: "é" * length)
LONG_BYTES = st.integers(20_000, 30_000).map(lambda length: b"\xff" * length)
KEYS = LONG_KEYS | st.sampled_from(
    [
        *("", "a", "b", "k\0ey", "http.request.method", "http.method", "http.status_code", "http.response.status_code"),
        *("db.system", "error.type", "server.port", "service.name", "service.version", "deployment.environment"),
    ]
)
TEXTS = st.one_of(st.text(max_size=12), st.sampled_from(["", "200", "-1", "99999999999", "a\0b", "\u0662"]), LONG_TEXTS)
DOUBLES = st.one_of(st.floats(), st.sampled_from([1.0, -0.0, 1e15, 1e16, 1e22, 5e-324, 1e-5, 123456789.125]))
SCALARS = st.one_of(
    st.just(AnyValue()),
    st.builds(AnyValue, string_value=TEXTS),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 600)),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, double_value=DOUBLES),
    st.builds(AnyValue, bytes_value=st.binary(max_size=40) | LONG_BYTES),
    st.builds(AnyValue, string_value_strindex=st.integers(0, 3)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(AnyValue, array_value=st.builds(ArrayValue, values=st.lists(inner, max_size=3))),
        st.builds(
            AnyValue,
            kvlist_value=st.builds(
                KeyValueList, values=st.lists(st.builds(KeyValue, key=KEYS, value=inner), max_size=3)
            ),
        ),
    ),
    max_leaves=6,
)
KEY_VALUES = st.one_of(st.builds(KeyValue, key=KEYS, value=VALUES), st.builds(KeyValue, key=KEYS))
ATTRIBUTES = st.one_of(
    st.lists(KEY_VALUES, max_size=6),
    st.integers(120, 140).map(lambda n: [KeyValue(key=f"k{i % 135}", value=AnyValue(int_value=i)) for i in range(n)]),
)
COUNTS = st.sampled_from([0, 0, 0, 1, 7, 2**32 - 1])
TIMES = st.sampled_from([0, 1, RECEIVED_AT_NS, RECEIVED_AT_NS + 5, 2**63 - 2, 2**63 - 1, 2**64 - 1]) | st.integers(
    RECEIVED_AT_NS, RECEIVED_AT_NS + 10**9
)
TRACE_IDS = st.sampled_from([b"t" * 16, b"\0" * 15 + b"\1", b"\0" * 16, b"", b"short", b"u" * 17])
SPAN_IDS = st.sampled_from([b"s" * 8, b"\1" + b"\0" * 7, b"\xab\xcd" * 4, b"\0" * 8, b"", b"bad"])
GOOD_TRACE_IDS = st.binary(min_size=16, max_size=16)
GOOD_SPAN_IDS = st.binary(min_size=8, max_size=8)
EVENTS = st.builds(Span.Event, time_unix_nano=TIMES, name=TEXTS, attributes=ATTRIBUTES, dropped_attributes_count=COUNTS)
LINKS = st.builds(
    Span.Link,
    trace_id=GOOD_TRACE_IDS | TRACE_IDS,
    span_id=GOOD_SPAN_IDS | SPAN_IDS,
    trace_state=TEXTS,
    attributes=ATTRIBUTES,
    dropped_attributes_count=COUNTS,
    flags=st.integers(0, 2**32 - 1),
)
SPANS_SENT = st.builds(
    Span,
    trace_id=GOOD_TRACE_IDS | TRACE_IDS,
    span_id=GOOD_SPAN_IDS | SPAN_IDS,
    parent_span_id=st.just(b"") | SPAN_IDS,
    trace_state=TEXTS,
    flags=st.integers(0, 2**32 - 1),
    name=TEXTS,
    kind=st.integers(-1, 7),
    start_time_unix_nano=TIMES,
    end_time_unix_nano=TIMES,
    attributes=ATTRIBUTES,
    dropped_attributes_count=COUNTS,
    events=st.lists(EVENTS, max_size=2)
    | st.integers(126, 131).map(lambda n: [Span.Event(name=str(i)) for i in range(n)]),
    dropped_events_count=COUNTS,
    links=st.lists(LINKS, max_size=2),
    dropped_links_count=COUNTS,
    status=st.none() | st.builds(Status, message=TEXTS, code=st.integers(-1, 4)),
)
RECORDS_SENT = st.builds(
    LogRecord,
    time_unix_nano=TIMES,
    observed_time_unix_nano=TIMES,
    severity_number=st.integers(-1, 26),
    severity_text=TEXTS,
    body=st.none() | VALUES,
    attributes=ATTRIBUTES,
    dropped_attributes_count=COUNTS,
    flags=st.integers(0, 2**32 - 1),
    trace_id=GOOD_TRACE_IDS | TRACE_IDS,
    span_id=GOOD_SPAN_IDS | SPAN_IDS,
    event_name=TEXTS,
)
RESOURCES = st.none() | st.builds(
    Resource,
    attributes=ATTRIBUTES,
    dropped_attributes_count=COUNTS,
    entity_refs=st.lists(
        st.builds(
            EntityRef, schema_url=st.text(max_size=5), type=st.just("service"), id_keys=st.just(["service.name"])
        ),
        max_size=2,
    ),
)
SCOPES = st.none() | st.builds(
    InstrumentationScope, name=TEXTS, version=TEXTS, attributes=ATTRIBUTES, dropped_attributes_count=COUNTS
)
TRACE_REQUESTS = st.builds(
    ExportTraceServiceRequest,
    resource_spans=st.lists(
        st.builds(
            ResourceSpans,
            resource=RESOURCES,
            schema_url=TEXTS,
            scope_spans=st.lists(
                st.builds(ScopeSpans, scope=SCOPES, schema_url=TEXTS, spans=st.lists(SPANS_SENT, max_size=3)),
                max_size=2,
            ),
        ),
        max_size=2,
    ),
)
LOGS_REQUESTS = st.builds(
    ExportLogsServiceRequest,
    resource_logs=st.lists(
        st.builds(
            ResourceLogs,
            resource=RESOURCES,
            schema_url=TEXTS,
            scope_logs=st.lists(
                st.builds(ScopeLogs, scope=SCOPES, schema_url=TEXTS, log_records=st.lists(RECORDS_SENT, max_size=3)),
                max_size=2,
            ),
        ),
        max_size=2,
    ),
)


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


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(TRACE_REQUESTS, max_size=3))
def test_spans_decode_as_the_walk_over_official_objects_says(requests: list[ExportTraceServiceRequest]) -> None:
    assert_spans_decode_as_walked([request.SerializeToString() for request in requests])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(LOGS_REQUESTS, max_size=3))
def test_log_records_decode_as_the_walk_over_official_objects_says(requests: list[ExportLogsServiceRequest]) -> None:
    assert_logs_decode_as_walked([request.SerializeToString() for request in requests])


def mutated(body: bytes, dice: random.Random) -> bytes:
    """Bytes flipped, cut out, doubled and moved: some of it stays valid, in ways that no serialiser writes."""
    mutant = bytearray(body)
    for _ in range(dice.choice([0, 1, 1, 2, 5])):
        if not mutant:
            break
        start = dice.randrange(len(mutant))
        end = min(len(mutant), start + dice.choice([1, 1, 2, 8, 60]))
        match dice.randrange(4):
            case 0:
                mutant[start] ^= 1 << dice.randrange(8)
            case 1:
                del mutant[start:end]
            case 2:
                mutant[start:start] = mutant[start:end]
            case 3:
                mutant[start:end] = dice.randbytes(end - start)
    # Concatenated messages merge: repeated fields append, singular ones are merged, of a oneof the last one stays.
    return bytes(mutant) + (body[: dice.randrange(len(body) + 1)] if dice.random() < 0.2 else b"")


def sample_request() -> ExportTraceServiceRequest:
    attributes = [
        KeyValue(key="http.route", value=AnyValue(string_value="/cart")),
        KeyValue(key="http.response.status_code", value=AnyValue(int_value=200)),
        KeyValue(key="list", value=AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1), AnyValue()]))),
        KeyValue(key="map", value=AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="x", value=AnyValue())]))),
        KeyValue(key="raw", value=AnyValue(bytes_value=b"\0\1")),
    ]
    span = Span(
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        parent_span_id=b"p" * 8,
        name="GET /cart",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=RECEIVED_AT_NS,
        end_time_unix_nano=RECEIVED_AT_NS + 9,
        attributes=attributes,
        events=[Span.Event(name="exception", time_unix_nano=RECEIVED_AT_NS, attributes=attributes[:2])],
        links=[Span.Link(trace_id=b"l" * 16, span_id=b"m" * 8, attributes=attributes[:1])],
        status=Status(code=Status.STATUS_CODE_ERROR, message="no"),
    )
    resource = Resource(attributes=[KeyValue(key="service.name", value=AnyValue(string_value="cart"))])
    scope = InstrumentationScope(name="http", version="1")
    scope_spans = [ScopeSpans(scope=scope, spans=[span, span]), ScopeSpans(spans=[span])]
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=resource, scope_spans=scope_spans)])


@pytest.mark.parametrize("seed", range(4))
def test_mutated_bodies_are_refused_or_decode_as_walked(seed: int) -> None:
    dice = random.Random(seed)
    body = sample_request().SerializeToString()
    valid = []
    for _ in range(1_500):
        try:
            valid.append(canonical_request(Signal.TRACES, Encoding.PROTOBUF, mutated(body, dice)).body)
        except MalformedBodyError:
            continue
    assert len(valid) > 100
    for start in range(0, len(valid), 40):
        assert_spans_decode_as_walked(valid[start : start + 40])
