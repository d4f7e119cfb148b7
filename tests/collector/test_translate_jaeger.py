"""Jaeger's JSON as OTLP: every field finds its place, in each form in which Jaeger hands it out."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from quacktrace_collector.translate.jaeger import is_jaeger, jaeger_request
from quacktrace_collector.translate.json_values import TranslationError

SPAN = {
    "traceID": "151e8ea44a5cf41c",
    "spanID": "37e2b05295806961",
    "operationName": "compose",
    "flags": 1,
    "references": [
        {"refType": "FOLLOWS_FROM", "traceID": "151e8ea44a5cf41c", "spanID": "2"},
        {"refType": "CHILD_OF", "traceID": "151e8ea44a5cf41c", "spanID": "3"},
        {"refType": "CHILD_OF", "traceID": "99", "spanID": "4"},
    ],
    "startTime": 1_695_943_858_153_000,
    "duration": 5_303,
    "tags": [
        {"key": "span.kind", "type": "string", "value": "server"},
        {"key": "error", "type": "bool", "value": True},
        {"key": "http.status_code", "type": "int64", "value": 500},
        {"key": "load", "type": "float64", "value": 0.5},
        {"key": "blob", "type": "binary", "value": "AP8="},
        {"key": "odd", "type": "int64", "value": "much"},
        {"key": "otel.library.name", "type": "string", "value": "tracer"},
        {"key": "w3c.tracestate", "type": "string", "value": "a=b"},
    ],
    "logs": [
        {
            "timestamp": 1_695_943_858_153_001,
            "fields": [
                {"key": "event", "type": "string", "value": "error"},
                {"key": "message", "type": "string", "value": "no"},
            ],
        }
    ],
    "processID": "p1",
}
PROCESS = {"serviceName": "compose-post", "tags": [{"key": "ip", "type": "string", "value": "127.0.0.1"}]}
TRACE = {"traceID": SPAN["traceID"], "spans": [SPAN], "processes": {"p1": PROCESS}}
STORED = {key: value for key, value in SPAN.items() if key != "processID"} | {"process": PROCESS}


def attributes(holder: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in holder.attributes}


@pytest.mark.parametrize(
    "document",
    [{"data": [TRACE], "total": 0}, {"data": TRACE}, TRACE, STORED],
    ids=["answer", "one trace", "bare trace", "as stored"],
)
def test_every_field_has_its_place(document: Any) -> None:
    assert is_jaeger(document)
    (resource_spans,) = jaeger_request([document]).resource_spans
    assert attributes(resource_spans.resource) == {"service.name": "compose-post", "ip": "127.0.0.1"}
    (scope_spans,) = resource_spans.scope_spans
    assert scope_spans.scope.name == "tracer"
    (span,) = scope_spans.spans
    assert span.trace_id.hex() == "0000000000000000151e8ea44a5cf41c"
    assert (span.span_id.hex(), span.parent_span_id.hex()) == ("37e2b05295806961", f"{3:016x}")
    assert (span.name, span.kind, span.flags, span.trace_state) == ("compose", span.SPAN_KIND_SERVER, 1, "a=b")
    assert span.start_time_unix_nano == 1_695_943_858_153_000_000
    assert span.end_time_unix_nano - span.start_time_unix_nano == 5_303_000
    assert span.status.code == 2
    assert attributes(span) == {"http.status_code": 500, "load": 0.5, "blob": b"\0\xff", "odd": "much"}
    links = [(link.trace_id[-1], link.span_id[-1], attributes(link)["opentracing.ref_type"]) for link in span.links]
    assert links == [(0x1C, 2, "follows_from"), (0x99, 4, "child_of")]
    (event,) = span.events
    assert (event.name, event.time_unix_nano % 1_000_000, attributes(event)) == ("error", 1_000, {"message": "no"})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"data": [1]}, r"\[0\]\.data\[0\]: an object"),
        ({"data": [TRACE | {"spans": [1]}]}, r"\[0\]\.data\[0\]\.spans\[0\]: an object"),
        (STORED | {"startTime": "now"}, r"\[0\]\.startTime: microseconds"),
        (STORED | {"tags": {"a": 1}}, r"\[0\]\.tags: an array"),
    ],
)
def test_what_is_no_jaeger_says_where(document: Any, message: str) -> None:
    with pytest.raises(TranslationError, match=message):
        jaeger_request([document])


@pytest.mark.parametrize("document", [{"data": [{"a": 1}]}, {"resourceSpans": []}, [], {"data": 3}])
def test_other_json_is_not_taken_for_jaegers(document: Any) -> None:
    assert not is_jaeger(document)


def test_words_as_ids_still_make_a_tree() -> None:
    spans = [
        {"traceID": "A", "spanID": "G", "operationName": "root"},
        {"traceID": "A", "spanID": "H", "references": [{"refType": "CHILD_OF", "traceID": "A", "spanID": "G"}]},
    ]
    (resource_spans,) = jaeger_request([{"traceID": "A", "spans": spans}]).resource_spans
    root, child = resource_spans.scope_spans[0].spans
    assert (len(root.trace_id), len(root.span_id)) == (16, 8)
    assert child.parent_span_id == root.span_id != child.span_id


@pytest.mark.parametrize(
    ("original", "name"),
    [
        ("deathstarbench_socialnetwork_jaeger", "dsb_socialnetwork"),
        ("jaeger-ui_TraceFlamegraph_testTrace", "jaegerui_ridesharing"),
    ],
)
def test_real_traces_have_their_facts(test_data: Path, original: str, name: str) -> None:
    folder = test_data / "real_otlp"
    facts = json.loads((folder / "FACTS.json").read_text())[name]
    document = json.loads((folder / "originals" / f"{original}.json").read_text())
    by_service: Counter[str] = Counter()
    spans: list[Any] = []
    for resource_spans in jaeger_request([document]).resource_spans:
        for scope_spans in resource_spans.scope_spans:
            by_service[attributes(resource_spans.resource)["service.name"]] += len(scope_spans.spans)
            spans += scope_spans.spans
    kinds = Counter(span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_") for span in spans)
    assert (dict(by_service), dict(kinds)) == (facts["service_span_counts"], facts["kinds"])
    assert len({span.trace_id for span in spans}) == facts["traces"]
    assert min(span.start_time_unix_nano for span in spans) == facts["first_start_unix_nano"]
    assert max(span.end_time_unix_nano for span in spans) == facts["last_end_unix_nano"]
