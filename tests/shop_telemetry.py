"""A small shop's hour as OTLP: the hour before was well, in this one payment fails and inventory is slow."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from quacktrace.client import CollectorClient

HOSTILE = '<img src=x onerror="window.pwned=1">\'; drop table spans; --'
MINUTE_MS = 60_000
_KINDS = {"INTERNAL": 1, "SERVER": 2, "CLIENT": 3, "PRODUCER": 4, "CONSUMER": 5}


@dataclass(frozen=True)
class Span:
    """One span as a test states it; ids are numbers, times milliseconds since the epoch."""

    trace: int
    span: int
    parent: int | None
    service: str
    name: str
    kind: str
    start_ms: float
    duration_ms: float
    is_error: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    exception: tuple[str, str] | None = None


@dataclass(frozen=True)
class Log:
    """One log record as a test states it."""

    service: str
    body: str
    severity: int
    time_ms: float
    trace: int | None = None
    span: int | None = None


def trace_hex(trace: int) -> str:
    return f"{trace:032x}"


def span_hex(span: int) -> str:
    return f"{span:016x}"


def send_spans(client: CollectorClient, spans: list[Span]) -> None:
    request = ExportTraceServiceRequest()
    for span in spans:
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.append(_text("service.name", span.service))
        sent = resource_spans.scope_spans.add().spans.add(
            trace_id=bytes.fromhex(trace_hex(span.trace)),
            span_id=bytes.fromhex(span_hex(span.span)),
            parent_span_id=b"" if span.parent is None else bytes.fromhex(span_hex(span.parent)),
            name=span.name,
            kind=_KINDS[span.kind],
            start_time_unix_nano=_ns(span.start_ms),
            end_time_unix_nano=_ns(span.start_ms + span.duration_ms),
            attributes=[_text(key, value) for key, value in span.attributes.items()],
        )
        if span.is_error:
            sent.status.code = 2
            sent.status.message = "it failed"
        if span.exception:
            event = sent.events.add(name="exception", time_unix_nano=_ns(span.start_ms + span.duration_ms))
            event.attributes.append(_text("exception.type", span.exception[0]))
            event.attributes.append(_text("exception.message", span.exception[1]))
    _send(client, "/v1/traces", request.SerializeToString())


def send_logs(client: CollectorClient, logs: list[Log]) -> None:
    request = ExportLogsServiceRequest()
    for log in logs:
        resource_logs = request.resource_logs.add()
        resource_logs.resource.attributes.append(_text("service.name", log.service))
        record = resource_logs.scope_logs.add().log_records.add(
            time_unix_nano=_ns(log.time_ms),
            severity_number=log.severity,
            severity_text={9: "INFO", 13: "WARN", 17: "ERROR"}[log.severity],
            trace_id=b"" if log.trace is None else bytes.fromhex(trace_hex(log.trace)),
            span_id=b"" if log.span is None else bytes.fromhex(span_hex(log.span)),
        )
        record.body.string_value = log.body
    _send(client, "/v1/logs", request.SerializeToString())


def shop_hours(now_ms: float) -> tuple[list[Span], list[Log]]:
    """Two hours of checkouts, one every 40 s, the later hour with its faults."""
    spans: list[Span] = []
    logs: list[Log] = []
    for number, minutes_ago in enumerate(i * 2 / 3 for i in range(1, 178)):
        start_ms = now_ms - minutes_ago * MINUTE_MS
        is_ill = minutes_ago < 58
        is_error = number % 4 == 0 if is_ill else False
        spans += checkout(number + 1, start_ms, payment_fails=is_error, inventory_ms=90 if is_ill else 9)
        root = 100 * (number + 1)
        logs.append(Log("payment", f"charged card for order {number}", 9, start_ms + 20, number + 1, root + 3))
        if is_error:
            logs.append(
                Log("payment", "acquirer answered 502\nretrying later", 17, start_ms + 30, number + 1, root + 3)
            )
    logs.append(Log("inventory", f"nobody asked for this: {HOSTILE}", 13, now_ms - 30_000))
    spans.append(Span(9000, 1, None, HOSTILE, HOSTILE, "SERVER", now_ms - 5 * MINUTE_MS, 3, is_error=True))
    return spans, logs


def checkout(trace: int, start_ms: float, *, payment_fails: bool = False, inventory_ms: float = 9) -> Iterator[Span]:
    """One checkout through four services, a provider and a database."""
    root = 100 * trace

    def span(number: int, parent: int | None, service: str, name: str, kind: str, at: float, ms: float) -> Span:
        return Span(trace, root + number, parent and root + parent, service, name, kind, start_ms + at, ms)

    failed = {"is_error": payment_fails}
    yield Span(trace, root + 1, None, "gateway", "POST /checkout", "SERVER", start_ms, 60 + inventory_ms, **failed)
    yield Span(trace, root + 2, root + 1, "gateway", "POST", "CLIENT", start_ms + 5, 40, **failed)
    yield Span(trace, root + 3, root + 2, "payment", "POST /payments/charge", "SERVER", start_ms + 6, 38, **failed)
    yield Span(
        trace,
        root + 4,
        root + 3,
        "payment",
        "POST",
        "CLIENT",
        start_ms + 8,
        30,
        payment_fails,
        {"server.address": "acquirer.example", "http.request.method": "POST"},
        ("AcquirerError", f"card {trace} declined after 30 ms") if payment_fails else None,
    )
    yield span(5, 1, "gateway", "GET", "CLIENT", 48, inventory_ms + 4)
    yield span(6, 5, "inventory", "GET /inventory/item/{id}", "SERVER", 49, inventory_ms + 2)
    yield Span(
        trace,
        root + 7,
        root + 6,
        "inventory",
        "select items",
        "CLIENT",
        start_ms + 50,
        inventory_ms,
        False,
        {"db.system.name": "sqlite"},
    )


def now_ms() -> float:
    return time.time() * 1000


def _text(key: str, value: str) -> KeyValue:
    pair = KeyValue(key=key)
    pair.value.string_value = value
    return pair


def _ns(milliseconds: float) -> int:
    return round(milliseconds * 1_000_000)


def _send(client: CollectorClient, path: str, body: bytes) -> None:
    answer = client.post(path, body, content_type="application/x-protobuf")
    assert answer.is_ok, answer.body
