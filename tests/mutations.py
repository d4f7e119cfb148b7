"""Export requests, and what becomes of them when their bytes are flipped, cut out, doubled and moved."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from decode_walk import RECEIVED_AT_NS


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


def sample_logs() -> ExportLogsServiceRequest:
    """Two records, one with a body that is a list."""
    spans = sample_request().resource_spans[0]
    attributes = spans.scope_spans[0].spans[0].attributes
    records = [
        LogRecord(
            time_unix_nano=RECEIVED_AT_NS,
            observed_time_unix_nano=RECEIVED_AT_NS,
            severity_number=9,
            severity_text="INFO",
            body=body,
            attributes=attributes,
            trace_id=b"t" * 16,
            span_id=b"s" * 8,
            event_name="e",
        )
        for body in (AnyValue(string_value="hello"), attributes[2].value)
    ]
    scope_logs = ScopeLogs(scope=InstrumentationScope(name="log"), log_records=records)
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=spans.resource, scope_logs=[scope_logs])])


def sample_json() -> bytes:
    """The sample request as OTLP JSON."""
    document = MessageToDict(sample_request())
    _ids_in_hex(document)
    return json.dumps(document).encode()


def sample_zipkin() -> bytes:
    """Both halves of a shared span, and a child."""
    here, there = {"serviceName": "cart", "ipv4": "10.0.0.1", "port": 80}, {"serviceName": "shop"}
    common = {"traceId": "ab" * 16, "id": "cd" * 8, "timestamp": 1_700_000_000_000_000, "duration": 7}
    return json.dumps(
        [
            {**common, "kind": "CLIENT", "localEndpoint": there, "remoteEndpoint": here, "tags": {"error": "no"}},
            {**common, "kind": "SERVER", "shared": True, "localEndpoint": here, "name": "get"},
            {**common, "id": "1", "parentId": "cd" * 8, "annotations": [{"timestamp": 5, "value": '"a": {"b": 1}'}]},
        ]
    ).encode()


def _ids_in_hex(value: Any) -> None:
    for key, item in value.items() if isinstance(value, dict) else ():
        if key in ("traceId", "spanId", "parentSpanId"):
            value[key] = base64.b64decode(item).hex()
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _ids_in_hex(item)
