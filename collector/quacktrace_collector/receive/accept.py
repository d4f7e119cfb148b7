"""Export requests that the official parser accepts, as protobuf, with counted contents.

A protobuf body of ordinary size stays as it was sent: `decode` sees by its size whether it is accepted. A larger one,
which comes here in a process of its own, is serialised again at once, as the collector could not afford to parse it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import DecodeError, EncodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace_collector.body_limits import MAX_AS_SENT_BYTES
from quacktrace_collector.errors import BodyTooLargeError, MalformedBodyError
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.signal_kinds import Signal

MAX_RECORDS: Final = 100_000
MAX_CONTAINERS: Final = 100_000
MAX_ELEMENTS: Final = 2_000_000
"""Attributes, events and links of a request together; 20 MiB can hold 10 million, which decode to 600 MB of columns."""

_SEND_FEWER: Final = "send fewer records in a request"
_COUNT_ELEMENTS_FROM_BYTES: Final = 1 << 20
_REQUESTS: Final[Mapping[Signal, Any]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
}
_FIELDS: Final = {
    Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that `decode` may read: nothing in it is nested too deep, and it holds no more than it may."""

    body: bytes
    records: int
    """Spans, log records or metrics."""
    normalised: Mapping[str, int] = field(default_factory=dict)
    """What its encoding made necessary to change, by kind."""


def accepted_request(signal: Signal, encoding: Encoding, body: bytes) -> Accepted:
    """Parse and check the limits; other encodings become protobuf.

    Raises:
        MalformedBodyError: it is not such a request.
        BodyTooLargeError: it holds more records or elements than a request may.
    """
    if encoding is Encoding.JSON:
        from quacktrace_collector.receive.otlp_json import parse_json

        parsed = parse_json(_REQUESTS[signal], body)
        records = _checked(signal, parsed.message, size=len(body))
        serialised = _serialised(parsed.message)
        try:
            _REQUESTS[signal].FromString(serialised)  # JSON may nest what no protobuf parser reads
        except DecodeError as error:
            raise MalformedBodyError("values nest deeper than the 100 levels of a protobuf message") from error
        return Accepted(serialised, records, parsed.normalised)
    if encoding is Encoding.ZIPKIN:
        translated = _from_zipkin(body)
        records = _checked(signal, translated, size=len(body))
        return Accepted(_serialised(translated), records)
    message = _REQUESTS[signal]()
    try:
        message.ParseFromString(body)
    except DecodeError as error:
        reason = str(error).rpartition("': ")[2]
        if "alloc" in reason:  # only where the address space is limited, which is why large bodies go to a child
            raise BodyTooLargeError("the body takes too much memory to validate", hint=_SEND_FEWER) from error
        raise MalformedBodyError(f"the body is not an {message.DESCRIPTOR.name}: {reason}") from error
    records = _checked(signal, message, size=len(body))
    if len(body) <= MAX_AS_SENT_BYTES:
        return Accepted(body, records)
    message.DiscardUnknownFields()
    return Accepted(_serialised(message), records)


def _from_zipkin(body: bytes) -> ExportTraceServiceRequest:
    from quacktrace_collector.receive.otlp_json import load_json
    from quacktrace_collector.translate.json_values import TranslationError
    from quacktrace_collector.translate.zipkin import zipkin_request

    document, _ = load_json(body)
    try:
        return zipkin_request(document)
    except TranslationError as error:
        raise MalformedBodyError(f"the body is not a list of Zipkin v2 spans: {error}") from error


def _serialised(message: Any) -> bytes:
    try:
        body: bytes = message.SerializeToString()
    except EncodeError as error:
        raise MalformedBodyError(f"the body cannot be written as protobuf: {error}") from error
    return body


def _checked(signal: Signal, message: Any, *, size: int) -> int:
    """The number of its records."""
    records = _count_records(signal, message)
    if size > _COUNT_ELEMENTS_FROM_BYTES and signal is not Signal.METRICS:
        _check_elements(signal, message)
    return records


def _count_records(signal: Signal, message: Any) -> int:
    of_request, of_resource, of_scope = _FIELDS[signal]
    resources = getattr(message, of_request)
    containers, records = len(resources), 0
    _check("resources and scopes", containers, MAX_CONTAINERS)
    for resource in resources:
        scopes = getattr(resource, of_resource)
        containers += len(scopes)
        _check("resources and scopes", containers, MAX_CONTAINERS)
        for scope in scopes:
            records += len(getattr(scope, of_scope))
    _check(of_scope.replace("_", " "), records, MAX_RECORDS)
    return records


def _check_elements(signal: Signal, message: Any) -> None:
    of_request, of_resource, of_scope = _FIELDS[signal]
    elements = 0
    for resource in getattr(message, of_request):
        elements += len(resource.resource.attributes)
        for scope in getattr(resource, of_resource):
            elements += len(scope.scope.attributes)
            for record in getattr(scope, of_scope):
                elements += len(record.attributes)
                if signal is Signal.TRACES:
                    elements += sum(1 + len(event.attributes) for event in record.events)
                    elements += sum(1 + len(link.attributes) for link in record.links)
        _check("attributes, events and links", elements, MAX_ELEMENTS)


def _check(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise BodyTooLargeError(f"the request holds more than {limit} {what}", hint=_SEND_FEWER)
