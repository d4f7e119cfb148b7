"""OTLP JSON: what is understood, and where an error is said to be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from quacktrace_collector.decode import decode_spans
from quacktrace_collector.errors import MalformedBodyError
from quacktrace_collector.receive.accept import accepted_request
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.receive.otlp_json import MAX_VALUE_DEPTH, parse_json
from quacktrace_collector.signal_kinds import Signal

SPAN = {
    "traceId": "5B8EFFF798038103D269B633813FC60C",
    "spanId": "eee19b7ec3c1b174",
    "parentSpanId": "",
    "name": "op",
    "kind": 2,
    "startTimeUnixNano": "1544712660000000000",
    "endTimeUnixNano": 1544712661000000123,
}


def document(**fields: Any) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [SPAN | fields]}]}]}).encode()


def parse_span(**fields: Any) -> Any:
    [resource_spans] = parse_json(ExportTraceServiceRequest, document(**fields)).message.resource_spans
    return resource_spans.scope_spans[0].spans[0]


def parse_value(value: Any) -> AnyValue:
    message: AnyValue = parse_json(AnyValue, json.dumps(value).encode()).message
    return message


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(depth):
        value = {"kvlistValue": {"values": [{"key": "k", "value": value}]}}
    return value


def test_ids_are_hex_of_any_case_and_times_are_exact() -> None:
    span = parse_span()
    assert span.trace_id.hex() == "5b8efff798038103d269b633813fc60c"
    assert span.span_id.hex() == "eee19b7ec3c1b174"
    assert (span.parent_span_id, span.kind) == (b"", 2)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1544712660000000000, 1544712661000000123)


@pytest.mark.parametrize(
    "fields",
    [
        {"traceId": "W47/95gDgQPSabYzgT/GDA=="},
        {"traceId": "5b 8efff798038103d269b633813fc60c"},
        {"traceId": "5b8efff798038103d269b633813fc6"},
        {"traceId": 5},
        {"spanId": "zz"},
        {"spanId": "0000000000000000"},
        {"parentSpanId": "7uGbfsPBsXQ="},
    ],
)
def test_an_id_that_is_not_hex_costs_its_own_span_only(fields: dict[str, Any]) -> None:
    good, bad = SPAN | {"spanId": "aaaaaaaaaaaaaaaa"}, SPAN | fields
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [good, bad]}]}]}).encode()
    accepted = accepted_request(Signal.TRACES, Encoding.JSON, body)
    [outcome] = decode_spans([accepted.body], received_at_ns=1).outcomes
    assert (outcome.accepted, dict(outcome.rejected)) == (1, {"invalid_id": 1})
    assert "hex expected" in outcome.message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"stringValue": "é\u0000"}, AnyValue(string_value="é\0")),
        ({"stringValue": ""}, AnyValue(string_value="")),
        ({"string_value": "x"}, AnyValue(string_value="x")),
        ({"intValue": "9223372036854775807"}, AnyValue(int_value=2**63 - 1)),
        ({"intValue": -9223372036854775808}, AnyValue(int_value=-(2**63))),
        ({"intValue": 5.0}, AnyValue(int_value=5)),
        ({"boolValue": False}, AnyValue(bool_value=False)),
        ({"doubleValue": 1}, AnyValue(double_value=1.0)),
        ({"doubleValue": "-Infinity"}, AnyValue(double_value=float("-inf"))),
        ({"doubleValue": "0.5"}, AnyValue(double_value=0.5)),
        ({"bytesValue": "AP8="}, AnyValue(bytes_value=b"\0\xff")),
        ({"bytesValue": "_-8"}, AnyValue(bytes_value=b"\xff\xef")),
        ({"stringValue": None, "intValue": 3}, AnyValue(int_value=3)),
        ({"later": {"field": 1}}, AnyValue()),
        ({}, AnyValue()),
    ],
)
def test_values_keep_their_type(value: dict[str, Any], expected: AnyValue) -> None:
    assert parse_value(value) == expected


def test_empty_arrays_and_maps_stay_arrays_and_maps() -> None:
    assert parse_value({"arrayValue": {}}).WhichOneof("value") == "array_value"
    assert parse_value({"kvlistValue": {"values": []}}).WhichOneof("value") == "kvlist_value"


@pytest.mark.parametrize(("kind", "number"), [("SPAN_KIND_SERVER", 2), ("3", 3), (4, 4), (99, 99), (None, 0)])
def test_enums_are_numbers_and_names_are_understood(kind: object, number: int) -> None:
    assert parse_span(kind=kind).kind == number


def test_unknown_fields_are_ignored_and_original_names_understood() -> None:
    span = parse_span(futureField=[{"x": 1}], trace_state="a=b", droppedAttributesCount=3)
    assert (span.trace_state, span.dropped_attributes_count) == ("a=b", 3)


def test_lone_surrogates_are_replaced_and_pairs_are_kept() -> None:
    body = document(name="@").replace(b'"@"', rb'"\ud800|\uD83D\uDE00|\\ud800|\udc00\ud800x"')
    parsed = parse_json(ExportTraceServiceRequest, body)
    [resource_spans] = parsed.message.resource_spans
    assert resource_spans.scope_spans[0].spans[0].name == "\ufffd|😀|\\ud800|\ufffd\ufffdx"
    assert parsed.normalised == {"utf8": 3}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": 5}, "resourceSpans[0].scopeSpans[0].spans[0].name: a string is expected, not 5"),
        ({"kind": "SPAN_KIND_NONSENSE"}, "spans[0].kind: an integer is expected"),
        ({"startTimeUnixNano": "yesterday"}, "spans[0].startTimeUnixNano: an integer is expected"),
        ({"startTimeUnixNano": -1}, "spans[0].startTimeUnixNano: "),
        ({"startTimeUnixNano": 1e300}, "spans[0].startTimeUnixNano: an integer is expected"),
        ({"startTimeUnixNano": 2**64}, "spans[0].startTimeUnixNano: an integer is expected"),
        ({"attributes": {}}, "spans[0].attributes: an array is expected, not an object"),
        ({"attributes": [5]}, "spans[0].attributes[0]: an object is expected, not 5"),
        ({"attributes": [{"key": 5}]}, "spans[0].attributes[0].key: a string is expected"),
        (
            {"attributes": [{}, {"value": {"boolValue": "yes"}}]},
            "spans[0].attributes[1].value.boolValue: true or false",
        ),
        ({"attributes": [{"value": {"intValue": 2**63}}]}, "spans[0].attributes[0].value.intValue: "),
        ({"attributes": [{"value": {"bytesValue": "%"}}]}, "attributes[0].value.bytesValue: base64 is expected"),
        (
            {"attributes": [{"value": {"arrayValue": {"values": [{}, {"intValue": "x"}]}}}]},
            "attributes[0].value.arrayValue.values[1].intValue: an integer is expected",
        ),
        ({"status": 3}, "spans[0].status: an object is expected, not 3"),
        ({"attributes": [{"key": "k", "value": nested(MAX_VALUE_DEPTH + 1)}]}, "values nest deeper than"),
    ],
)
def test_an_error_says_where_it_is(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedBodyError) as refusal:
        parse_span(**fields)
    assert path in refusal.value.message


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"5", b"{", b'{"resourceSpans": 5}', b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000]
)
def test_what_is_not_a_request_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        accepted_request(Signal.TRACES, Encoding.JSON, body)


def test_json_nests_as_deep_as_protobuf() -> None:
    def answer(depth: int, encoding: Encoding, body: bytes) -> bytes | None:
        try:
            return accepted_request(Signal.TRACES, encoding, body).body
        except MalformedBodyError:
            return None

    deepest = 0
    for depth in range(20, MAX_VALUE_DEPTH + 1):
        body = document(attributes=[{"key": "k", "value": nested(depth)}])
        from_json = answer(depth, Encoding.JSON, body)
        message = parse_json(ExportTraceServiceRequest, body).message
        assert from_json == answer(depth, Encoding.PROTOBUF, message.SerializeToString())
        if from_json is not None:
            deepest = depth
            assert decode_spans([from_json], received_at_ns=1).rows == [1]
    assert 20 < deepest < MAX_VALUE_DEPTH


@pytest.mark.parametrize("message", [ExportTraceServiceRequest, ExportLogsServiceRequest, ExportMetricsServiceRequest])
def test_every_field_of_the_protocol_is_read(message: Any) -> None:
    filled = message()
    fill(filled, depth=0)
    as_json = with_hex_ids(MessageToDict(filled))
    assert parse_json(message, json.dumps(as_json).encode()).message == filled


def fill(message: Any, *, depth: int) -> None:
    """Give each field a value, of a oneof the last member, of recursive messages three levels."""
    for field in message.DESCRIPTOR.fields:
        if field.name.endswith("_strindex"):
            continue  # indexes into a table that only profiles have
        if field.message_type is not None and depth > 9:
            continue
        if field.is_repeated:
            values = getattr(message, field.name)
            if field.message_type is not None:
                fill(values.add(), depth=depth + 1)
            else:
                values.append(scalar(field))
        elif field.message_type is not None:
            child = getattr(message, field.name)
            child.SetInParent()
            fill(child, depth=depth + 1)
        else:
            setattr(message, field.name, scalar(field))


def scalar(field: Any) -> Any:
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    return {
        field.CPPTYPE_STRING: b"\x01\xab" * 4 if field.type == field.TYPE_BYTES else "text",
        field.CPPTYPE_BOOL: True,
        field.CPPTYPE_DOUBLE: 0.5,
        field.CPPTYPE_FLOAT: 0.5,
    }.get(field.cpp_type, 7)


def with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [with_hex_ids(item) for item in value]
    if isinstance(value, dict):
        ids = {"traceId", "spanId", "parentSpanId"}
        return {key: (b"\x01\xab" * 4).hex() if key in ids else with_hex_ids(item) for key, item in value.items()}
    return value
