"""Zipkin's v2 spans as an OTLP request: OpenTelemetry's mapping to Zipkin, read backwards."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

from quacktrace_collector.translate.json_values import storable
from quacktrace_collector.translate.zipkin_halves import separate_halves
from quacktrace_collector.translate.zipkin_spans import ZipkinSpan, read_spans

_KINDS: Final = {
    "": Span.SPAN_KIND_INTERNAL,
    "CLIENT": Span.SPAN_KIND_CLIENT,
    "SERVER": Span.SPAN_KIND_SERVER,
    "PRODUCER": Span.SPAN_KIND_PRODUCER,
    "CONSUMER": Span.SPAN_KIND_CONSUMER,
}
_STATUSES: Final = {"OK": Status.STATUS_CODE_OK, "ERROR": Status.STATUS_CODE_ERROR}
_DROPPED: Final = ("dropped_attributes_count", "dropped_events_count", "dropped_links_count")
_EVENT_WITH_ATTRIBUTES: Final = re.compile(r'("(?:[^"\\]|\\.)*"):\s*(\{.*\})', re.DOTALL)
NO_START: Final = "otel.zipkin.absentField.startTime"
"""The attribute that OpenTelemetry's collector gives a span that came without a timestamp."""


def zipkin_request(document: Any) -> ExportTraceServiceRequest:
    """One request for a list of v2 spans.

    Raises:
        TranslationError: it is no such list.
    """
    request = ExportTraceServiceRequest()
    scopes: dict[tuple[str, str, str], ScopeSpans] = {}
    services: dict[str, Any] = {}
    for span in separate_halves(read_spans(document)):
        service = span.local.service_name
        scope = (service, *_scope(span.tags))
        if service not in services:
            services[service] = request.resource_spans.add()
            if service:
                services[service].resource.attributes.append(_string("service.name", service))
        if scope not in scopes:
            scopes[scope] = services[service].scope_spans.add()
            scopes[scope].scope.name, scopes[scope].scope.version = scope[1:]
        _fill(scopes[scope].spans.add(), span)
    return request


def _fill(target: Span, span: ZipkinSpan) -> None:
    start_us = span.timestamp_us
    if start_us is None:
        start_us = min((time_us for time_us, _ in span.annotations), default=0)
        target.attributes.add(key=NO_START).value.bool_value = True
    target.trace_id, target.span_id, target.parent_span_id = span.trace_id, span.span_id, span.parent_id
    target.name, target.kind = span.name, _KINDS[span.kind]
    target.start_time_unix_nano = start_us * 1000
    target.end_time_unix_nano = (start_us + (span.duration_us or 0)) * 1000
    _set_status(target, span.tags)
    for name in _DROPPED:
        count = span.tags.get(f"otel.{name}", "")
        if count.isascii() and count.isdigit() and int(count) < 1 << 32:
            setattr(target, name, int(span.tags.pop(f"otel.{name}")))
    if span.tags.get("span.kind", "").upper() == "INTERNAL" and not span.kind:
        del span.tags["span.kind"]
    target.attributes.extend(_string(key, value) for key, value in span.tags.items())
    _add_endpoints(target, span)
    if span.is_debug:
        target.attributes.add(key="zipkin.debug").value.bool_value = True
    for time_us, value in span.annotations:
        _add_event(target, time_us, value)


def _set_status(target: Span, tags: dict[str, str]) -> None:
    """`otel.status_code` says it exactly; without it Zipkin's `error` does, whose value is the description."""
    code = _STATUSES.get(tags.get("otel.status_code", ""))
    error = tags.get("error")
    if code is not None:
        del tags["otel.status_code"]
        target.status.code = code
        description = tags.pop("otel.status_description", "")
        if code == Status.STATUS_CODE_ERROR:
            target.status.message = description or error or ""
            tags.pop("error", None)
    elif error is not None and error != "false":
        target.status.code = Status.STATUS_CODE_ERROR
        target.status.message = "" if error == "true" else error


def _scope(tags: dict[str, str]) -> tuple[str, str]:
    """(name, version), which the mapping writes as tags under a new and an old key."""
    old = tags.pop("otel.library.name", ""), tags.pop("otel.library.version", "")
    return tags.pop("otel.scope.name", "") or old[0], tags.pop("otel.scope.version", "") or old[1]


def _add_endpoints(target: Span, span: ZipkinSpan) -> None:
    given = set(span.tags)
    texts = (
        ("peer.service", span.remote.service_name),
        ("network.peer.address", span.remote.address),
        ("network.local.address", span.local.address),
    )
    target.attributes.extend(_string(key, value) for key, value in texts if value and key not in given)
    for key, port in (("network.peer.port", span.remote.port), ("network.local.port", span.local.port)):
        if port and key not in given:
            target.attributes.add(key=key).value.int_value = port


def _add_event(target: Span, time_us: int, value: str) -> None:
    """An annotation is the event's name, or `"name": {attributes}` where the mapping had attributes to keep."""
    event = target.events.add(time_unix_nano=time_us * 1000, name=value)
    match = _EVENT_WITH_ATTRIBUTES.fullmatch(value)
    if match is None:
        return
    try:
        name, attributes = json.loads(match[1]), json.loads(match[2])
    except (ValueError, RecursionError):
        return
    event.name = storable(name)
    for key, item in attributes.items():
        attribute = event.attributes.add(key=storable(key))
        match item:
            case bool():
                attribute.value.bool_value = item
            case int() if -(1 << 63) <= item < 1 << 63:
                attribute.value.int_value = item
            case float():
                attribute.value.double_value = item
            case _:
                attribute.value.string_value = storable(item if isinstance(item, str) else json.dumps(item))


def _string(key: str, value: str) -> KeyValue:
    attribute = KeyValue(key=key)
    attribute.value.string_value = value
    return attribute
