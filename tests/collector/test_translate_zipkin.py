"""Zipkin's spans as OTLP: every field finds its place, and a shared id becomes two spans."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace_collector.translate.json_values import TranslationError
from quacktrace_collector.translate.zipkin import zipkin_request
from quacktrace_collector.translate.zipkin_v1 import is_v1, v2_spans

TRACE = "5982fe77008310cc80f1da5e10147517"


def span(span_id: str, **fields: Any) -> dict[str, Any]:
    """A v2 span of the service `shop`."""
    return {
        "traceId": TRACE,
        "id": span_id,
        "timestamp": 1_000,
        "duration": 10,
        "localEndpoint": {"serviceName": "shop"},
        **fields,
    }


def translated(*spans: dict[str, Any]) -> list[tuple[str, Any]]:
    """(service, span) in the order of the request."""
    return [
        (service_of(resource_spans), one)
        for resource_spans in zipkin_request(list(spans)).resource_spans
        for scope_spans in resource_spans.scope_spans
        for one in scope_spans.spans
    ]


def service_of(resource_spans: Any) -> str:
    return next((a.value.string_value for a in resource_spans.resource.attributes if a.key == "service.name"), "")


def attributes(holder: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in holder.attributes}


def test_every_field_has_its_place() -> None:
    request = zipkin_request(
        [
            {
                "traceId": "80F1DA5E10147517",
                "id": "b3f0000000000001",
                "parentId": "1",
                "kind": "CLIENT",
                "name": "get /api",
                "timestamp": 1_472_470_996_199_000,
                "duration": 207_000,
                "debug": True,
                "localEndpoint": {"serviceName": "frontend", "ipv4": "10.0.0.1", "port": 8080},
                "remoteEndpoint": {"serviceName": "backend", "ipv6": "::1", "port": 9000},
                "annotations": [
                    {"timestamp": 1_472_470_996_238_000, "value": "foo"},
                    {"timestamp": 1_472_470_996_238_001, "value": '"retry": {"n": 2, "why": "reset", "ok": false}'},
                ],
                "tags": {"http.path": "/api", "error": "reset by peer", "otel.scope.name": "http"},
            }
        ]
    )
    (resource_spans,) = request.resource_spans
    assert attributes(resource_spans.resource) == {"service.name": "frontend"}
    (scope_spans,) = resource_spans.scope_spans
    assert scope_spans.scope.name == "http"
    (found,) = scope_spans.spans
    assert (found.trace_id.hex(), found.span_id.hex(), found.parent_span_id.hex()) == (
        "000000000000000080f1da5e10147517",
        "b3f0000000000001",
        "0000000000000001",
    )
    assert (found.name, found.kind) == ("get /api", found.SPAN_KIND_CLIENT)
    assert found.start_time_unix_nano == 1_472_470_996_199_000_000
    assert found.end_time_unix_nano - found.start_time_unix_nano == 207_000_000
    assert (found.status.code, found.status.message) == (2, "reset by peer")
    assert attributes(found) == {
        "http.path": "/api",
        "error": "reset by peer",
        "peer.service": "backend",
        "network.peer.address": "::1",
        "network.peer.port": 9000,
        "network.local.address": "10.0.0.1",
        "network.local.port": 8080,
        "zipkin.debug": True,
    }
    assert [(event.name, event.time_unix_nano % 10**9, attributes(event)) for event in found.events] == [
        ("foo", 238_000_000, {}),
        ("retry", 238_001_000, {"n": 2, "why": "reset", "ok": False}),
    ]


@pytest.mark.parametrize(
    ("tags", "status", "left"),
    [
        ({}, {}, {}),
        ({"error": ""}, {"code": "STATUS_CODE_ERROR"}, {"error": ""}),
        ({"error": "true"}, {"code": "STATUS_CODE_ERROR"}, {"error": "true"}),
        ({"error": "false"}, {}, {"error": "false"}),
        ({"otel.status_code": "OK"}, {"code": "STATUS_CODE_OK"}, {}),
        ({"otel.status_code": "ERROR", "error": "no"}, {"code": "STATUS_CODE_ERROR", "message": "no"}, {}),
        ({"otel.status_code": "?", "a": "b"}, {}, {"otel.status_code": "?", "a": "b"}),
    ],
)
def test_the_status_is_what_the_tags_say(tags: dict[str, str], status: dict[str, str], left: dict[str, str]) -> None:
    ((_, found),) = translated(span("1", tags=tags))
    assert (MessageToDict(found.status), attributes(found)) == (status, left)


def test_both_halves_of_a_shared_id_are_kept_and_the_servers_children_follow_it() -> None:
    spans = {
        one.name: (service, one)
        for service, one in translated(
            span("a", name="root", kind="SERVER"),
            span("b", name="call", kind="CLIENT", parentId="a"),
            span("c", name="write", parentId="b", localEndpoint={"serviceName": "cart"}),
            span("b", name="serve", kind="SERVER", parentId="a", shared=True, localEndpoint={"serviceName": "cart"}),
            span("d", name="connect", parentId="b"),
        )
    }
    ids = {name: one.span_id.hex() for name, (_, one) in spans.items()}
    parents = {name: one.parent_span_id.hex() for name, (_, one) in spans.items()}
    assert ids["call"] == f"{0xB:016x}"
    assert ids["serve"] not in {f"{number:016x}" for number in range(16)}
    assert parents == {
        "root": "",
        "call": ids["root"],
        "serve": ids["call"],
        "write": ids["serve"],
        "connect": ids["call"],
    }
    assert {name: service for name, (service, _) in spans.items()}["serve"] == "cart"


def test_a_server_half_that_comes_alone_gets_the_same_id_as_beside_its_client() -> None:
    server = span("b", kind="SERVER", parentId="a", shared=True, localEndpoint={"serviceName": "cart"})
    ((_, alone),) = translated(server)
    (_, together) = translated(span("b", kind="CLIENT", parentId="a"), server)
    assert alone == together[1]
    assert alone.parent_span_id.hex() == f"{0xB:016x}"


def test_a_late_fragment_is_added_to_the_half_of_its_own_service() -> None:
    fragment = span("b", name="serve", localEndpoint={"serviceName": "cart"})
    del fragment["timestamp"], fragment["duration"]
    fragment["annotations"] = [{"timestamp": 5, "value": "brave.flush"}]
    found = translated(
        fragment,
        span("b", kind="CLIENT"),
        span("b", kind="SERVER", shared=True, localEndpoint={"serviceName": "cart"}),
    )
    assert [(service, one.name, [event.name for event in one.events]) for service, one in found] == [
        ("shop", "", []),
        ("cart", "serve", ["brave.flush"]),
    ]


def test_a_span_without_a_time_starts_at_its_first_annotation_and_says_so() -> None:
    late = {"traceId": "1", "id": "2", "annotations": [{"timestamp": 7, "value": "b"}, {"timestamp": 6, "value": "a"}]}
    ((service, found),) = translated(late)
    assert (service, found.start_time_unix_nano, found.end_time_unix_nano) == ("", 6_000, 6_000)
    assert attributes(found) == {"otel.zipkin.absentField.startTime": True, "quacktrace.span.state": "open"}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "the body: an array is expected"),
        ([1], r"\[0\]: an object"),
        ([span("1"), span("2", timestamp=-1)], r"\[1\]\.timestamp: microseconds"),
        ([span("1", duration="soon")], r"\[0\]\.duration"),
        ([span("1", kind="CALLER")], r"\[0\]\.kind: one of CLIENT"),
        ([span("1", tags=[])], r"\[0\]\.tags: an object"),
        ([span("1", annotations=[{"timestamp": 1, "value": 2}])], r"\[0\]\.annotations\[0\]\.value: a string"),
        ([span("1", localEndpoint="shop")], r"\[0\]\.localEndpoint"),
        ([span("1", shared="yes")], r"\[0\]\.shared: true or false"),
    ],
)
def test_what_is_no_zipkin_says_where(document: Any, message: str) -> None:
    with pytest.raises(TranslationError, match=message):
        zipkin_request(document)


@pytest.mark.parametrize("bad_id", ["x", "+1", "0x1", "1" * 33, 5, " 1", "é"])
def test_an_id_that_is_none_spoils_its_span_only(bad_id: Any) -> None:
    found = translated(span("1"), span("2", traceId=bad_id))
    assert [len(one.trace_id) for _, one in found] == [16, 1]


def test_v1_holds_both_halves_in_one_object() -> None:
    frontend, backend = {"serviceName": "frontend", "ipv4": "10.0.0.1"}, {"serviceName": "backend", "port": 9000}
    v1 = {
        "traceId": "1",
        "id": "b",
        "parentId": "a",
        "name": "get",
        "timestamp": 100,
        "duration": 50,
        "annotations": [
            {"timestamp": 100, "value": "cs", "endpoint": frontend},
            {"timestamp": 110, "value": "sr", "endpoint": backend},
            {"timestamp": 120, "value": "cache miss", "endpoint": backend},
            {"timestamp": 140, "value": "ss", "endpoint": backend},
            {"timestamp": 150, "value": "cr", "endpoint": frontend},
        ],
        "binaryAnnotations": [
            {"key": "http.path", "value": "/", "endpoint": frontend},
            {"key": "sa", "value": True, "endpoint": backend},
            {"key": "sql.rows", "value": 3, "endpoint": backend},
        ],
    }
    assert is_v1(v1)
    assert not is_v1(span("1"))
    (client_service, client), (server_service, server) = translated(*v2_spans([v1]))
    assert (client_service, server_service) == ("frontend", "backend")
    assert (client.start_time_unix_nano, client.end_time_unix_nano) == (100_000, 150_000)
    assert (server.start_time_unix_nano, server.end_time_unix_nano) == (110_000, 140_000)
    assert server.parent_span_id == client.span_id
    assert attributes(client)["peer.service"] == "backend"
    assert attributes(server) == {"sql.rows": "3", "network.local.port": 9000}
    assert [event.name for event in server.events] == ["cache miss"]


@pytest.mark.parametrize(
    ("original", "name"),
    [
        ("zipkin_smartthings-oauth-authorization", "zipkin_smartthings_oauth"),
        ("zipkin_smartthings-mobile-web-install", "zipkin_smartthings_mobile_install"),
    ],
)
def test_real_traces_have_the_facts_of_their_otlp_twins(test_data: Path, original: str, name: str) -> None:
    folder = test_data / "real_otlp"
    facts = json.loads((folder / "FACTS.json").read_text())[name]
    request = zipkin_request(json.loads((folder / "originals" / f"{original}.json").read_text()))
    assert facts_of(request) == {key: facts[key] for key in facts_of(request)}


def facts_of(request: ExportTraceServiceRequest) -> dict[str, Any]:
    """What FACTS.json counts, but for spans by service: its own twin books 84 client halves on the called service."""
    spans: dict[bytes, Any] = {}
    services: dict[bytes, str] = {}
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for one in scope_spans.spans:
                spans.setdefault(one.span_id, one)
                services.setdefault(one.span_id, service_of(resource_spans))
    with_parent = [one for one in spans.values() if one.parent_span_id]
    edges = Counter(
        f"{services[one.parent_span_id]} -> {services[one.span_id]}"
        for one in with_parent
        if services[one.parent_span_id] != services[one.span_id]
    )
    kinds = Counter(one.SpanKind.Name(one.kind).removeprefix("SPAN_KIND_") for one in spans.values())
    return {
        "spans": len(spans),
        "services": len(set(services.values())),
        "roots": len(spans) - len(with_parent),
        "edges": dict(edges),
        "kinds": dict(kinds),
        "error_status_spans": sum(one.status.code == 2 for one in spans.values()),
        "first_start_unix_nano": min(one.start_time_unix_nano for one in spans.values()),
        "last_end_unix_nano": max(one.end_time_unix_nano for one in spans.values()),
    }
