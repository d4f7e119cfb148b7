"""OTLP over HTTP as clients see it: a real server, a real store, the bytes of the answers."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from served_collector import JSON, PROTOBUF, Collector


def trace_request(spans: int = 1, *, bad: int = 0, name: str = "op") -> bytes:
    request = ExportTraceServiceRequest()
    scope_spans = request.resource_spans.add().scope_spans.add()
    for number in range(1, spans + bad + 1):
        trace_id = b"t" * 16 if number <= spans else b""
        scope_spans.spans.add(trace_id=trace_id, span_id=number.to_bytes(8, "big"), name=name, start_time_unix_nano=5)
    body: bytes = request.SerializeToString()
    return body


def json_request(**fields: object) -> bytes:
    span = {"traceId": "ab" * 16, "spanId": "cd" * 8, "name": "op", "startTimeUnixNano": "5"} | fields
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (PROTOBUF, trace_request()),
        ({"Content-Type": "application/x-protobuf; charset=utf-8"}, trace_request()),
        (PROTOBUF | {"Content-Encoding": "gzip"}, gzip.compress(trace_request(), mtime=0)),
        (PROTOBUF | {"Content-Encoding": "deflate"}, zlib.compress(trace_request())),
        (PROTOBUF | {"Content-Encoding": "identity"}, trace_request()),
        (PROTOBUF, trace_request() + b"\xf8\x07\x01"),
        (JSON, json_request()),
        (JSON | {"Content-Encoding": "gzip"}, gzip.compress(json_request(), mtime=0)),
    ],
)
async def test_a_span_is_stored_and_the_answer_is_in_the_requests_encoding(
    collector: Collector, headers: dict[str, str], body: bytes
) -> None:
    status, answer, answered = await collector.post(body, headers)
    assert (status, collector.spans()) == (200, 1)
    expected = "application/json" if headers["Content-Type"] == "application/json" else "application/x-protobuf"
    assert (answered["Content-Type"], answer) == (expected, b"{}" if "json" in expected else b"")


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics"])
async def test_an_empty_request_succeeds(collector: Collector, path: str) -> None:
    assert (await collector.post(b"", PROTOBUF, path))[:2] == (200, b"")
    assert (await collector.post(b"{}", JSON, path))[:2] == (200, b"{}")


async def test_rejected_spans_are_a_partial_success(collector: Collector) -> None:
    status, answer, _ = await collector.post(trace_request(2, bad=3), PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    assert (status, partial.rejected_spans, collector.spans()) == (200, 3, 2)
    assert "trace_id must be 16 bytes" in partial.error_message
    status, answer, _ = await collector.post(json_request(traceId="W47/95gDgQPSabYzgT/GDA=="), JSON)
    partial_json = json.loads(answer)["partialSuccess"]
    assert (status, partial_json["rejectedSpans"]) == (200, "1")
    assert "hex expected" in partial_json["errorMessage"]
    assert collector.metrics.value("qt_ingest_rejected_spans_total", reason="invalid_id") == 4


async def test_log_records_are_stored(collector: Collector) -> None:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add().body.string_value = "hello"
    status, answer, _ = await collector.post(request.SerializeToString(), PROTOBUF, "/v1/logs")
    assert (status, answer, collector.store.counts()[1]) == (200, b"", 1)


async def test_metrics_are_accepted_counted_and_said_to_be_dropped(collector: Collector) -> None:
    request = ExportMetricsServiceRequest()
    request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    status, answer, _ = await collector.post(request.SerializeToString(), PROTOBUF, "/v1/metrics")
    partial = ExportMetricsServiceResponse.FromString(answer).partial_success
    assert (status, partial.rejected_data_points) == (200, 0)
    assert "not stored" in partial.error_message
    assert collector.metrics.value("qt_ingest_received_metrics_total") == 1


@pytest.mark.parametrize(
    ("headers", "body", "status", "reason"),
    [
        (PROTOBUF, b"\xff\xff", 400, "malformed"),
        (PROTOBUF, gzip.compress(trace_request(), mtime=0), 400, "malformed"),
        (PROTOBUF, trace_request(name="AAAA").replace(b"AAAA", b"\xff\xfe\xc0\x80"), 400, "malformed"),
        (PROTOBUF, b"\x0b" * 2_000_000, 400, "malformed"),
        (PROTOBUF, b"\x7b" * 300_000 + b"\x7c" * 300_000, 400, "malformed"),
        (JSON, trace_request(), 400, "malformed"),
        (JSON, b'{"resourceSpans": {}}', 400, "malformed"),
        (PROTOBUF | {"Content-Encoding": "gzip"}, gzip.compress(trace_request(), mtime=0)[:-5], 400, "bad_encoding"),
        (PROTOBUF | {"Content-Encoding": "br"}, b"x", 415, "unsupported_encoding"),
        (PROTOBUF | {"Content-Encoding": "gzip"}, gzip.compress(bytes(21 << 20), mtime=0), 413, "too_large"),
        (JSON | {"Content-Encoding": "deflate"}, zlib.compress(b" " * (21 << 20)), 413, "too_large"),
        (PROTOBUF, bytes(21 << 20), 413, "too_large"),
        (PROTOBUF, trace_request(100_001), 413, "too_large"),
        (JSON, b'{"resourceSpans":[' + b"{}," * 100_000 + b"{}]}", 413, "too_large"),
    ],
)
async def test_a_refusal_is_a_status_in_the_requests_encoding(
    collector: Collector, headers: dict[str, str], body: bytes, status: int, reason: str
) -> None:
    answered_status, answer, answered = await collector.post(body, headers)
    assert (answered_status, answered["Content-Type"]) == (status, headers["Content-Type"])
    if headers["Content-Type"] == "application/json":
        message = json.loads(answer)["message"]
    else:
        message = Status.FromString(answer).message
    assert message
    assert collector.refused(reason) == 1
    assert ("Accept-Encoding" in answered) == (reason == "unsupported_encoding")
    assert (await collector.post(trace_request(), PROTOBUF))[0] == 200
    assert collector.spans() == 1


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", ""]
)
async def test_another_content_type_is_refused_with_the_known_ones_named(
    collector: Collector, content_type: str
) -> None:
    status, _, answered = await collector.post(trace_request(), {"Content-Type": content_type})
    assert (status, answered["Accept"]) == (415, "application/x-protobuf, application/json")
    assert collector.refused("content_type") == 1


async def test_other_methods_are_not_allowed(collector: Collector) -> None:
    for method in ("GET", "PUT", "DELETE"):
        async with collector.session.request(method, f"http://127.0.0.1:{collector.port}/v1/logs") as answer:
            assert answer.status == 405
            assert "POST" in answer.headers["Allow"]


async def test_a_stopping_collector_says_when_to_come_back(collector: Collector) -> None:
    await asyncio.to_thread(collector.ingest.stop)
    for headers, body in ((PROTOBUF, trace_request()), (JSON, json_request())):
        status, answer, answered = await collector.post(body, headers)
        assert (status, answered["Retry-After"], answered["Content-Type"]) == (503, "1", headers["Content-Type"])
        assert answer


def head(collector: Collector, framing: str) -> bytes:
    return (
        f"POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:{collector.port}\r\n"
        f"Content-Type: application/x-protobuf\r\nConnection: close\r\n{framing}\r\n\r\n"
    ).encode()


async def test_a_body_in_chunks_of_one_byte_is_read(collector: Collector) -> None:
    body = trace_request(40)
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    answer = await collector.raw(head(collector, "Transfer-Encoding: chunked") + chunks)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert collector.spans() == 40


@pytest.mark.filterwarnings("default")
async def test_a_length_and_chunks_together_are_refused(collector: Collector) -> None:
    framing = "Content-Length: 5\r\nTransfer-Encoding: chunked"
    answer = await collector.raw(head(collector, framing) + b"0\r\n\r\n")
    assert b" 400 " in answer.split(b"\r\n")[0]


async def test_a_body_that_stops_coming_is_answered_408_and_closed(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quacktrace_collector.receive.http_body.GRACE_S", 0.05)
    answer = await collector.raw(head(collector, "Content-Length: 1000000") + b"x")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert collector.metrics.value("qt_http_timeouts_total") == 1


async def test_a_client_that_leaves_mid_body_is_counted_and_nothing_is_stored(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", collector.port)
    writer.write(head(collector, "Content-Length: 100000") + b"x" * 50_000)
    await writer.drain()
    writer.transport.abort()
    while not collector.metrics.value("qt_ingest_aborted_total"):
        assert (await collector.post(b"", PROTOBUF))[0] == 200
    assert (await collector.post(trace_request(), PROTOBUF))[0] == 200
    assert collector.spans() == 1
    assert caplog.records == []


async def test_a_request_sent_again_is_stored_once(collector: Collector) -> None:
    for _ in range(5):
        assert (await collector.post(trace_request(10), PROTOBUF))[0] == 200
    assert collector.spans() == 10


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Host: [::1:x", 421),
        (b"Host: \xff\xfe", 421),
        (b"Host: 127.0.0.1\r\nOrigin: http://[", 403),
        (b"Host: 127.0.0.1\r\nOrigin: null", 403),
        (b"Host: 127.0.0.1\r\nAuthorization: Bearer \xff", 200),
        (b"Host: 127.0.0.1\r\nExpect: a-miracle", 417),
    ],
)
async def test_odd_headers_are_refused_in_peace(collector: Collector, header: bytes, status: int) -> None:
    start = b"POST /v1/traces HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n"
    answer = await collector.raw(start + b"Content-Type: application/x-protobuf\r\n" + header + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)


async def test_a_body_that_will_be_refused_is_not_asked_for(collector: Collector) -> None:
    small = await collector.raw(head(collector, "Content-Length: 0\r\nExpect: 100-continue"))
    assert small.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    reader, writer = await asyncio.open_connection("127.0.0.1", collector.port)
    writer.write(head(collector, "Content-Length: 99999999\r\nExpect: 100-continue"))
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.transport.abort()


@pytest.mark.parametrize("path", ["/v1/traces/", "/v1/traces/v1/traces", "/v1/profiles", "/v1/"])
async def test_a_wrong_endpoint_is_told_where_otlp_goes(collector: Collector, path: str) -> None:
    status, body, _ = await collector.post(trace_request(), PROTOBUF, path)
    assert status == 404
    assert "/v1/traces, " in json.loads(body)["error"]["hint"]


async def test_a_span_that_is_its_own_parent_is_stored_and_counted(collector: Collector) -> None:
    body = json_request(parentSpanId="cd" * 8)
    assert (await collector.post(body, JSON))[0] == 200
    assert collector.spans() == 1
    assert collector.metrics.value("qt_ingest_normalised_total", kind="cycle") == 1
