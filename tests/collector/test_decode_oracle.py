"""Decoding against a naive walk over the official protobuf objects, on generated and on mutated requests."""

from __future__ import annotations

import random

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

from decode_walk import RECEIVED_AT_NS, assert_logs_decode_as_walked, assert_spans_decode_as_walked
from mutations import mutated, sample_json, sample_logs, sample_request, sample_zipkin
from quacktrace_collector.errors import MalformedBodyError
from quacktrace_collector.receive.accept import accepted_request
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.signal_kinds import Signal

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


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(TRACE_REQUESTS, max_size=3))
def test_spans_decode_as_the_walk_over_official_objects_says(requests: list[ExportTraceServiceRequest]) -> None:
    assert_spans_decode_as_walked([request.SerializeToString() for request in requests])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(LOGS_REQUESTS, max_size=3))
def test_log_records_decode_as_the_walk_over_official_objects_says(requests: list[ExportLogsServiceRequest]) -> None:
    assert_logs_decode_as_walked([request.SerializeToString() for request in requests])


@pytest.mark.parametrize("seed", range(4))
def test_mutated_bodies_are_refused_or_decode_as_walked(seed: int) -> None:
    dice = random.Random(seed)
    body = sample_request().SerializeToString()
    valid = []
    for _ in range(1_500):
        try:
            valid.append(accepted_request(Signal.TRACES, Encoding.PROTOBUF, mutated(body, dice)).body)
        except MalformedBodyError:
            continue
    assert len(valid) > 100
    for start in range(0, len(valid), 40):
        assert_spans_decode_as_walked(valid[start : start + 40])


@pytest.mark.parametrize(
    ("signal", "encoding", "body"),
    [
        (Signal.LOGS, Encoding.PROTOBUF, sample_logs().SerializeToString()),
        (Signal.TRACES, Encoding.JSON, sample_json()),
        (Signal.TRACES, Encoding.ZIPKIN, sample_zipkin()),
    ],
    ids=["logs", "json", "zipkin"],
)
def test_mutants_of_other_encodings_are_refused_or_decode_as_walked(
    signal: Signal, encoding: Encoding, body: bytes
) -> None:
    dice = random.Random(1)
    valid = []
    for _ in range(300):
        try:
            valid.append(accepted_request(signal, encoding, mutated(body, dice)).body)
        except MalformedBodyError:
            continue
    assert len(valid) > 20
    (assert_logs_decode_as_walked if signal is Signal.LOGS else assert_spans_decode_as_walked)(valid)
