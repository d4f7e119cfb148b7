"""A trace as OTLP JSON: what comes out goes back in as the same trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace_collector.decode import decode_spans
from quacktrace_collector.receive.otlp_json import parse_json
from quacktrace_collector.store import Store

Spans = dict[str, dict[str, Any]]
"""Every span of a request with its resource and scope, by span id, keys sorted."""


def spans_of(request: Any, trace_id: str) -> Spans:
    found: Spans = {}
    for resource_spans in request.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                if span.trace_id.hex() == trace_id:
                    found[span.span_id.hex()] = {
                        "resource": MessageToDict(resource_spans.resource),
                        "resource_schema_url": resource_spans.schema_url,
                        "scope": MessageToDict(scope_spans.scope),
                        "scope_schema_url": scope_spans.schema_url,
                        "span": MessageToDict(span),
                    }
    return found


async def exported(api: Any, trace_id: str) -> ExportTraceServiceRequest:
    response = await api.get(f"/api/v1/traces/{trace_id}")
    assert response.status == 200
    message: ExportTraceServiceRequest = parse_json(ExportTraceServiceRequest, await response.read()).message
    return message


@pytest.mark.parametrize("is_sealed", [False, True], ids=["hot", "sealed"])
async def test_every_field_survives_the_way_out_and_in(
    api: Any, span_store: Any, new_span: Any, sealed: Any, is_sealed: bool
) -> None:
    values = {
        "s": "täxt",
        "empty": "",
        "i": -(2**63),
        "d": 1e300,
        "whole": 3.0,
        "b": False,
        "y": b"\x00\xff",
        "a": [1, "x", [True], {"k": 0.5}, None],
        "k": {"in": {"deep": b"1"}},
        "n": None,
    }
    body = ExportTraceServiceRequest()
    for row in (
        new_span(
            1,
            2,
            3,
            kind="CLIENT",
            status="ERROR",
            status_message="no",
            attributes=values,
            events=[("exception", 1, values), ("", 2, {})],
            links=[(5, 6)],
            resource=values,
        ),
        new_span(1, 4, service="cart", status="OK", duration_ms=0),
    ):
        body.MergeFromString(span_request(row))
    resource_spans = body.resource_spans[0]
    resource_spans.schema_url = "https://opentelemetry.io/schemas/1.30.0"
    resource_spans.resource.dropped_attributes_count = 7
    scope_spans = resource_spans.scope_spans[0]
    scope_spans.schema_url = "https://opentelemetry.io/schemas/1.31.0"
    scope_spans.scope.version = "1.2.3"
    scope_spans.scope.attributes.add(key="of", value=body.resource_spans[0].resource.attributes[1].value)
    scope_spans.scope.dropped_attributes_count = 8
    span = scope_spans.spans[0]
    span.trace_state, span.flags = "vendor=1", 0x301
    span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count = 1, 2, 3
    span.events[0].dropped_attributes_count = 4
    span.links[0].trace_state, span.links[0].flags, span.links[0].dropped_attributes_count = "a=b", 0x100, 5
    span_store.add_body(body.SerializeToString())
    if is_sealed:
        sealed()
    trace_id = f"{1:032x}"
    assert spans_of(await exported(api, trace_id), trace_id) == spans_of(body, trace_id)


def span_request(row: Any) -> bytes:
    from importlib import import_module

    spans_request = import_module(type(row).__module__).spans_request
    request: bytes = spans_request([row])
    return request


@pytest.mark.parametrize(
    "name",
    [
        "zipkin_smartthings_oauth",
        "zipkin_smartthings_mobile_install",
        "jaegerui_ridesharing",
        "dsb_socialnetwork",
        "nezha_trainticket_normal_minutes",
        "nezha_onlineboutique_normal_minute",
    ],
)
async def test_real_traces_come_out_as_they_went_in(
    api: Any, span_store: Any, test_data: Path, tmp_path: Path, name: str
) -> None:
    body = (test_data / "real_otlp" / f"{name}.pb").read_bytes()
    span_store.add_body(body)
    original = ExportTraceServiceRequest.FromString(body)
    trace_ids = {
        span.trace_id.hex()
        for resource_spans in original.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    }
    again = Store(tmp_path / "again")
    for trace_id in sorted(trace_ids)[:5]:
        request = await exported(api, trace_id)
        assert spans_of(request, trace_id) == spans_of(original, trace_id)
        again.append(decode_spans([request.SerializeToString()], received_at_ns=1), None)
    again.close()


async def test_an_unknown_trace_is_a_404(api: Any) -> None:
    response = await api.get(f"/api/v1/traces/{9:032x}")
    assert (response.status, (await response.json())["error"]["code"]) == (404, "trace_not_found")
