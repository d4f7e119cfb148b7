"""Files of traces become export requests: whole where they fit, in pieces that lose nothing where they do not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace_collector.commands.export_requests import JSON, PROTOBUF, ExportRequest, UnreadableFileError
from quacktrace_collector.commands.trace_files import read_export_requests


def trace_request(services: int, spans: int) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for service in range(services):
        resource_spans = request.resource_spans.add(schema_url="s")
        attribute = resource_spans.resource.attributes.add(key="service.name")
        attribute.value.string_value = f"service-{service}"
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = "scope"
        for number in range(spans):
            scope_spans.spans.add(
                trace_id=bytes(15) + bytes([service + 1]),
                span_id=number.to_bytes(8, "big"),
                name=f"span {number}",
                start_time_unix_nano=2**60 + number,
            )
    return request


def logs_request(records: int, **fields: Any) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    scope_logs = request.resource_logs.add().scope_logs.add()
    for number in range(records):
        scope_logs.log_records.add(**fields).body.int_value = number
    return request


def as_json(message: Message) -> dict[str, Any]:
    """OTLP's JSON: protobuf's own, but with ids in hex."""
    document = json_format.MessageToDict(message)
    for resource_spans in document.get("resourceSpans", ()):
        for scope_spans in resource_spans["scopeSpans"]:
            for span in scope_spans["spans"]:
                span.update(traceId="0" * 31 + "1", spanId="0" * 15 + "1")
    return document


def rows(requests: list[ExportRequest]) -> list[tuple[str, str, str]]:
    """(service, scope, span name) of every span, in order."""
    found = []
    for request in requests:
        message = ExportTraceServiceRequest.FromString(request.body)
        for resource in message.resource_spans:
            service = resource.resource.attributes[0].value.string_value
            for scope in resource.scope_spans:
                found += [(service, scope.scope.name, span.name) for span in scope.spans]
    return found


@pytest.mark.parametrize("is_zipped", [False, True])
def test_protobuf_that_fits_is_passed_on_byte_for_byte(tmp_path: Path, is_zipped: bool) -> None:
    body = trace_request(2, 3).SerializeToString()
    path = tmp_path / "traces.pb"
    path.write_bytes(gzip.compress(body) if is_zipped else body)
    assert list(read_export_requests(path)) == [ExportRequest("/v1/traces", PROTOBUF, body, 6)]


def test_large_protobuf_is_split_between_and_within_resources(tmp_path: Path) -> None:
    message = trace_request(3, 100)
    path = tmp_path / "traces.pb"
    path.write_bytes(message.SerializeToString())
    requests = list(read_export_requests(path, max_body_bytes=2000))
    assert len(requests) > 3
    assert sum(request.records for request in requests) == 300
    assert max(len(request.body) for request in requests) < 2500
    whole = ExportRequest("/v1/traces", PROTOBUF, message.SerializeToString(), 300)
    assert rows(requests) == rows([whole])


@pytest.mark.parametrize(
    "fields", [{"time_unix_nano": 5}, {"observed_time_unix_nano": 5}, {"severity_number": 9}, {"time_unix_nano": 2**63}]
)
def test_protobuf_of_logs_is_told_from_traces(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = tmp_path / "logs.pb"
    path.write_bytes(logs_request(4, **fields).SerializeToString())
    assert [(request.path, request.records) for request in read_export_requests(path)] == [("/v1/logs", 4)]


def test_json_document_is_passed_on_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "traces.json"
    path.write_text(json.dumps(as_json(trace_request(2, 2)), indent=2))
    assert list(read_export_requests(path)) == [ExportRequest("/v1/traces", JSON, path.read_bytes(), 4)]


def test_json_lines_of_both_signals_are_gathered(tmp_path: Path) -> None:
    lines = [as_json(trace_request(1, 2)), as_json(logs_request(3, severity_number=9)), as_json(trace_request(1, 4))]
    path = tmp_path / "collector.jsonl.gz"
    path.write_bytes(gzip.compress("\n\n".join(map(json.dumps, lines)).encode()))
    requests = list(read_export_requests(path))
    assert [(request.path, request.records) for request in requests] == [("/v1/traces", 6), ("/v1/logs", 3)]
    assert json.loads(requests[0].body)["resourceSpans"] == lines[0]["resourceSpans"] + lines[2]["resourceSpans"]


def test_large_json_is_split_and_nothing_is_lost(tmp_path: Path) -> None:
    document = as_json(trace_request(2, 200))
    path = tmp_path / "traces.json"
    path.write_text(json.dumps(document))
    requests = list(read_export_requests(path, max_body_bytes=10_000))
    assert len(requests) > 2
    names = [
        span["name"]
        for request in requests
        for resource in json.loads(request.body)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    assert names == [f"span {number}" for _ in range(2) for number in range(200)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\x1f\x8bgarbage", "damaged gzip|Not a gzipped|header"),
        (b"\n\n \n", "no file of traces"),
        (b"hello", "neither OTLP protobuf nor JSON"),
        (b"{", "not JSON"),
        (b'{"resourceSpans": []}\n{"resour', "line 2 is not JSON"),
        (b'{"hello": 1}', "neither resourceSpans nor resourceLogs"),
        (b"[1, 2]", "neither resourceSpans nor resourceLogs"),
        (b'{"data": [{"traceID": "1", "spans": 1}]}', r"\[0\].data\[0\].spans: an array"),
        (b'[{"traceId": "1", "id": "2", "tags": 1}]', r"\[0\].tags: an object"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_otlp_is_said_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=message) as refused:
        list(read_export_requests(path))
    assert str(path) in str(refused.value)


def test_missing_file_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="No such file"):
        list(read_export_requests(tmp_path / "absent.pb"))


ZIPKIN_V2 = {"traceId": "1", "id": "2", "name": "a", "timestamp": 5, "localEndpoint": {"serviceName": "shop"}}
ZIPKIN_V1 = {
    "traceId": "1",
    "id": "3",
    "name": "b",
    "annotations": [{"timestamp": 5, "value": "sr", "endpoint": {"serviceName": "shop"}}],
}
JAEGER = {
    "traceID": "1",
    "spans": [{"traceID": "1", "spanID": "4", "operationName": "c", "processID": "p"}],
    "processes": {"p": {"serviceName": "shop"}},
}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (json.dumps([ZIPKIN_V2, ZIPKIN_V1]), ["a", "b"]),
        (json.dumps([[ZIPKIN_V2], [ZIPKIN_V1]], indent=1), ["a", "b"]),
        (f"{json.dumps(ZIPKIN_V2)}\n{json.dumps([ZIPKIN_V1])}\n", ["a", "b"]),
        (json.dumps({"data": [JAEGER], "errors": None}), ["c"]),
        (f"\ufeff{json.dumps(JAEGER)}", ["c"]),
        (f"\r\n{json.dumps(JAEGER)}\n\n{json.dumps(ZIPKIN_V2)}", ["c", "a"]),
    ],
    ids=["zipkin", "zipkin traces", "zipkin lines", "jaeger", "byte order mark", "mixed lines"],
)
@pytest.mark.parametrize("is_zipped", [False, True])
def test_other_tracers_files_are_told_by_their_content(
    tmp_path: Path, content: str, names: list[str], is_zipped: bool
) -> None:
    path = tmp_path / "traces.txt"
    path.write_bytes(gzip.compress(content.encode()) if is_zipped else content.encode())
    requests = list(read_export_requests(path))
    assert [name for _, _, name in rows(requests)] == names
    assert {service for service, _, _ in rows(requests)} == {"shop"}
    assert requests[-1].done == 1


def test_protobuf_that_begins_like_json_is_protobuf(tmp_path: Path) -> None:
    """A first message of 123 bytes: line feed, then a brace."""
    message = ExportTraceServiceRequest()
    span = message.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    while message.resource_spans[0].ByteSize() < 123:
        span.name += "x"
    path = tmp_path / "traces.pb"
    path.write_bytes(message.SerializeToString())
    assert path.read_bytes().startswith(b"\n{")
    assert [request.content_type for request in read_export_requests(path)] == [PROTOBUF]


def test_every_file_of_real_traces_is_read(test_data: Path) -> None:
    folder = test_data / "real_otlp"
    facts = json.loads((folder / "FACTS.json").read_text())
    for name in facts:
        if (folder / f"{name}.pb").exists():
            assert (
                sum(request.records for request in read_export_requests(folder / f"{name}.pb")) == facts[name]["spans"]
            )
    expected = {
        "deathstarbench_socialnetwork_jaeger": 660,
        "jaeger-ui_TraceFlamegraph_testTrace": 4,
        "zipkin_smartthings-mobile-web-install": 957,
        "zipkin_smartthings-oauth-authorization": 175,
        "opentelemetry-proto_examples_trace": 1,
    }
    for original, records in expected.items():
        requests = read_export_requests(folder / "originals" / f"{original}.json")
        assert sum(request.records for request in requests) == records
    for path in (folder / "crisp_jaeger").glob("*.json"):
        (trace,) = json.loads(path.read_bytes())["data"]
        assert sum(request.records for request in read_export_requests(path)) == len(trace["spans"])


def test_a_trace_saved_as_html_is_read_by_its_block(tmp_path: Path) -> None:
    document = as_json(trace_request(1, 3))
    block = json.dumps(document).replace("<", "\\u003c")
    file = tmp_path / "trace.html"
    file.write_text(f'<!DOCTYPE html><p>x</p><script type="application/json" id="otlp">{block}</script><p>y</p>')
    (request,) = read_export_requests(file)
    assert (json.loads(request.body), request.records) == (document, 3)
    file.write_text("<!doctype html><p>something else</p>")
    with pytest.raises(UnreadableFileError, match="not a trace saved from quacktrace"):
        list(read_export_requests(file))
