"""Jaeger's JSON, as its UI downloads and its query service answers it, as an OTLP request."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

from quacktrace_collector.translate.json_values import (
    SPAN_ID_BYTES,
    TRACE_ID_BYTES,
    TranslationError,
    an_object,
    any_text,
    derived_id,
    hex_id,
    microseconds,
    objects,
    storable,
    text,
)

_KINDS: Final = {
    "internal": Span.SPAN_KIND_INTERNAL,
    "client": Span.SPAN_KIND_CLIENT,
    "server": Span.SPAN_KIND_SERVER,
    "producer": Span.SPAN_KIND_PRODUCER,
    "consumer": Span.SPAN_KIND_CONSUMER,
}
_STATUSES: Final = {"OK": Status.STATUS_CODE_OK, "ERROR": Status.STATUS_CODE_ERROR}
_REFERENCE_TYPE: Final = "opentracing.ref_type"


def is_jaeger(document: Any) -> bool:
    """An answer of Jaeger's query service, a trace of it, or a span as its storage holds it."""
    if not isinstance(document, dict):
        return False
    if "data" in document:
        data = document["data"]
        first = data[0] if isinstance(data, list) and data else data
        return (isinstance(first, dict) and ("spans" in first or "traceID" in first)) or first == []
    return "spanID" in document or ("traceID" in document and "spans" in document)


def jaeger_request(documents: list[Any]) -> ExportTraceServiceRequest:
    """One request for all spans of the documents, in their order.

    Raises:
        TranslationError: something in them is no trace.
    """
    request = ExportTraceServiceRequest()
    resources: dict[str, Any] = {}
    scopes: dict[tuple[str, str, str], ScopeSpans] = {}
    for place, span, process in _spans(documents):
        tags = _tags(span.get("tags"), f"{place}.tags")
        of_process = json.dumps(process, sort_keys=True)
        scope = (of_process, *_scope(tags))
        if of_process not in resources:
            resources[of_process] = _add_resource(request, process, place)
        if scope not in scopes:
            scopes[scope] = resources[of_process].scope_spans.add()
            scopes[scope].scope.name, scopes[scope].scope.version = scope[1:]
        _fill(scopes[scope].spans.add(), span, tags, place)
    return request


def _spans(documents: list[Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(place, span, process)."""
    for place, trace in _traces(documents):
        if "spans" not in trace and "spanID" in trace:
            yield place, trace, an_object(trace, "process", place)
            continue
        processes = an_object(trace, "processes", place)
        for here, span in objects(trace.get("spans"), f"{place}.spans"):
            process = processes.get(span.get("processID") or "") if span.get("process") is None else span["process"]
            if process is not None and not isinstance(process, dict):
                raise TranslationError(f"{here}.process: an object is expected")
            yield here, span, process or {}


def _traces(documents: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, document in objects(documents, ""):
        if "data" not in document:
            yield place, document
        elif isinstance(document["data"], dict):
            yield f"{place}.data", document["data"]
        else:
            yield from objects(document["data"], f"{place}.data")


def _add_resource(request: ExportTraceServiceRequest, process: dict[str, Any], place: str) -> Any:
    resource_spans = request.resource_spans.add()
    attributes = resource_spans.resource.attributes
    service = text(process, "serviceName", f"{place}.process")
    if service:
        attributes.add(key="service.name").value.string_value = service
    for key, value in _tags(process.get("tags"), f"{place}.process.tags").items():
        attributes.add(key=key, value=value)
    return resource_spans


def _fill(target: Span, span: dict[str, Any], tags: dict[str, AnyValue], place: str) -> None:
    start_us = microseconds(span, "startTime", place) or 0
    target.trace_id, target.span_id = _id(span.get("traceID"), TRACE_ID_BYTES), _id(span.get("spanID"), SPAN_ID_BYTES)
    target.name = text(span, "operationName", place)
    target.start_time_unix_nano = start_us * 1000
    target.end_time_unix_nano = (start_us + (microseconds(span, "duration", place) or 0)) * 1000
    flags = span.get("flags")
    target.flags = flags & 1 if isinstance(flags, int) and flags > 0 else 0
    _add_references(target, span, place)
    kind = tags.get("span.kind", AnyValue()).string_value.lower()
    target.kind = _KINDS.get(kind, Span.SPAN_KIND_INTERNAL)
    if kind in _KINDS:
        del tags["span.kind"]
    target.trace_state = tags.pop("w3c.tracestate", AnyValue()).string_value
    _set_status(target, tags)
    for key, value in tags.items():
        target.attributes.add(key=key, value=value)
    for here, log in objects(span.get("logs"), f"{place}.logs"):
        fields = _tags(log.get("fields"), f"{here}.fields")
        event = target.events.add(time_unix_nano=(microseconds(log, "timestamp", here) or 0) * 1000)
        event.name = next((fields.pop(key).string_value for key in ("event", "message") if key in fields), "")
        for key, value in fields.items():
            event.attributes.add(key=key, value=value)


def _add_references(target: Span, span: dict[str, Any], place: str) -> None:
    """The first CHILD_OF of the same trace is the parent, else the first FOLLOWS_FROM; all others are links."""
    references = [found for _, found in objects(span.get("references"), f"{place}.references")]
    local = [found for found in references if found.get("traceID") in (None, span.get("traceID"))]
    parent = next((found for found in local if found.get("refType") == "CHILD_OF"), local[0] if local else None)
    if parent is not None:
        target.parent_span_id = _id(parent.get("spanID"), SPAN_ID_BYTES)
    elif span.get("parentSpanID") and any(character != "0" for character in str(span["parentSpanID"])):
        target.parent_span_id = _id(span["parentSpanID"], SPAN_ID_BYTES)
    for reference in references:
        if reference is not parent:
            trace_id = reference.get("traceID") or span.get("traceID")
            link = target.links.add(
                trace_id=_id(trace_id, TRACE_ID_BYTES), span_id=_id(reference.get("spanID"), SPAN_ID_BYTES)
            )
            kind = text(reference, "refType", f"{place}.references").lower()
            link.attributes.add(key=_REFERENCE_TYPE).value.string_value = kind


def _set_status(target: Span, tags: dict[str, AnyValue]) -> None:
    code = _STATUSES.get(tags.get("otel.status_code", AnyValue()).string_value)
    error = tags.get("error", AnyValue())
    is_error = error.bool_value or error.string_value.lower() == "true"
    if code is not None:
        del tags["otel.status_code"]
        target.status.code = code
        target.status.message = tags.pop("otel.status_description", AnyValue()).string_value
    elif is_error:
        target.status.code = Status.STATUS_CODE_ERROR
    if is_error and target.status.code == Status.STATUS_CODE_ERROR:
        del tags["error"]


def _scope(tags: dict[str, AnyValue]) -> tuple[str, str]:
    old = [tags.pop(key, AnyValue()).string_value for key in ("otel.library.name", "otel.library.version")]
    new = [tags.pop(key, AnyValue()).string_value for key in ("otel.scope.name", "otel.scope.version")]
    return new[0] or old[0], new[1] or old[1]


def _tags(value: Any, place: str) -> dict[str, AnyValue]:
    """Typed values by key; the last of a repeated key wins."""
    return {text(tag, "key", here): _value(tag) for here, tag in objects(value, place)}


def _value(tag: dict[str, Any]) -> AnyValue:
    value = tag.get("value")
    try:
        match str(tag.get("type", "")).lower():
            case "bool" if isinstance(value, bool) or value in ("true", "false"):
                return AnyValue(bool_value=value is True or value == "true")
            case "int64":
                return AnyValue(int_value=int(value))  # type: ignore[arg-type]  # what is no number raises
            case "float64":
                return AnyValue(double_value=float(value))  # type: ignore[arg-type]  # what is no number raises
            case "binary" if isinstance(value, str):
                return AnyValue(bytes_value=base64.b64decode(value, validate=True))
    except (TypeError, ValueError, OverflowError, binascii.Error):
        pass  # a value that is not of its type is kept as text
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    return AnyValue(string_value=any_text("" if value is None else value))


def _id(value: Any, size: int) -> bytes:
    """Hex digits; ids that are words, as tests of tracers like to have them, give an id that follows from them."""
    found = hex_id(value, size)
    if len(found) == 1 and isinstance(value, str) and value:
        return derived_id("jaeger", storable(value).encode()).rjust(size, b"\0")
    return found
