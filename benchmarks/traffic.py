"""Traces of twelve services with databases, 10 to 30 spans each, as OTLP requests: what the benchmarks store and ask.

Modelled on the shared load generator: about 418 bytes a span, 10 attributes on a served request. The span that an error
began in carries an exception event; every failing span and one request in ten writes a log record.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

START_NS: Final = 1_795_305_600_000_000_000
_CALLS: Final = {
    "frontend": ("gateway",),
    "gateway": ("auth", "catalog", "cart", "checkout", "recommendation"),
    "catalog": ("pricing", "inventory"),
    "cart": ("pricing", "catalog"),
    "checkout": ("cart", "payment", "inventory", "shipping", "email", "pricing"),
    "recommendation": ("catalog",),
    "shipping": ("pricing",),
}
_DATABASES: Final = {
    "auth": "redis",
    "cart": "redis",
    "pricing": "redis",
    "catalog": "postgresql",
    "checkout": "postgresql",
    "inventory": "postgresql",
    "payment": "mysql",
    "shipping": "mysql",
    "recommendation": "mongodb",
}
_SERVER, _CLIENT = 2, 3


@dataclass
class TrafficSpan:
    """A span before it has ids; `parent` and `children` are positions in its trace."""

    service: str
    name: str
    kind: int
    parent: int | None
    attributes: dict[str, str | int]
    start_ns: int = 0
    end_ns: int = 0
    children: list[int] = field(default_factory=list)
    has_error: bool = False
    raises: bool = False
    """The error began here."""


class Model:
    """Draws traces."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def trace(self, start_ns: int) -> list[TrafficSpan]:
        """Parents come before their children."""
        spans: list[TrafficSpan] = []
        budget = self.random.randint(10, 30)
        self._serve(spans, "frontend", None, budget)
        while len(spans) < 10:
            caller = self.random.choice([i for i, span in enumerate(spans) if span.service in _DATABASES] or [0])
            self._database(spans, caller)
        self._time(spans, 0, start_ns)
        self._fail(spans)
        return spans

    def _add(self, spans: list[TrafficSpan], span: TrafficSpan) -> int:
        spans.append(span)
        if span.parent is not None:
            spans[span.parent].children.append(len(spans) - 1)
        return len(spans) - 1

    def _serve(self, spans: list[TrafficSpan], service: str, parent: int | None, budget: int) -> None:
        draw = self.random
        route = f"/{service}/{draw.choice(('list', 'item', 'update'))}"
        served = self._add(
            spans,
            TrafficSpan(
                service,
                f"GET {route}",
                _SERVER,
                parent,
                {
                    "http.request.method": "GET",
                    "http.route": route,
                    "http.response.status_code": 200,
                    "url.path": f"{route}/{draw.randint(1, 5000)}",
                    "client.address": f"10.0.{draw.randint(0, 255)}.{draw.randint(1, 254)}",
                    "user_agent.original": draw.choice(("Mozilla/5.0 Chrome/126.0", "okhttp/4.12.0", "requests/2.32")),
                    "enduser.id": f"user-{draw.randint(1, 20000)}",
                    "network.protocol.version": "1.1",
                    "http.response.body.size": int(draw.lognormvariate(7, 1)),
                    "url.scheme": "http",
                },
            ),
        )
        if service in _DATABASES:
            self._database(spans, served)
        callees = _CALLS.get(service, ())
        for callee in draw.sample(callees, k=min(len(callees), draw.randint(1, 4))) if callees else ():
            if len(spans) + 2 > budget:
                return
            call = self._add(
                spans,
                TrafficSpan(
                    service,
                    "HTTP GET",
                    _CLIENT,
                    served,
                    {
                        "http.request.method": "GET",
                        "http.response.status_code": 200,
                        "server.address": callee,
                        "server.port": 8080,
                        "peer.service": callee,
                        "url.full": f"http://{callee}:8080/?r={draw.randint(1, 9999)}",
                        "url.scheme": "http",
                    },
                ),
            )
            self._serve(spans, callee, call, budget)

    def _database(self, spans: list[TrafficSpan], caller: int) -> None:
        draw = self.random
        service = spans[caller].service
        system = _DATABASES.get(service, "postgresql")
        operation = draw.choice(("SELECT", "UPDATE", "INSERT"))
        self._add(
            spans,
            TrafficSpan(
                service,
                f"{operation} {service}",
                _CLIENT,
                caller,
                {
                    "db.system.name": system,
                    "db.namespace": service,
                    "db.operation.name": operation,
                    "db.query.text": f"{operation} … {service} WHERE id = $1",
                    "server.address": f"{system}-{draw.randint(0, 2)}",
                    "server.port": 5432,
                    "db.response.returned_rows": draw.randint(0, 100),
                },
            ),
        )

    def _time(self, spans: list[TrafficSpan], index: int, start_ns: int) -> int:
        span = spans[index]
        own = int(self.random.lognormvariate(0.3, 0.9) * (40 if self.random.random() < 0.005 else 1) * 1e6)
        share = own // (len(span.children) + 1)
        cursor = start_ns + share
        for child in span.children:
            cursor = self._time(spans, child, cursor) + share // 2
        span.start_ns, span.end_ns = start_ns, max(cursor, start_ns + own)
        return span.end_ns

    def _fail(self, spans: list[TrafficSpan]) -> None:
        for index in range(len(spans)):
            at: int | None = index if self.random.random() < 0.013 else None
            spans[index].raises |= at is not None
            while at is not None:
                spans[at].has_error = True
                at = spans[at].parent if self.random.random() < 0.55 else None


@dataclass(frozen=True)
class Requests:
    """What one exporter would post together."""

    traces: bytes
    logs: bytes


def requests(model: Model, *, traces: int, spans_per_request: int, seconds: float = 1.0) -> Iterator[Requests]:
    """That many traces, evenly over the seconds after START_NS."""
    draw = model.random
    request, logs, count = ExportTraceServiceRequest(), ExportLogsServiceRequest(), 0
    for number in range(traces):
        spans = model.trace(START_NS + int(number * seconds * 1e9) // traces)
        trace_id = draw.randbytes(16)
        span_ids = [draw.randbytes(8) for _ in spans]
        scopes: dict[str, Any] = {}
        log_scopes: dict[str, Any] = {}
        for span, span_id in zip(spans, span_ids, strict=True):
            if span.service not in scopes:
                resource = _resource(span.service, draw.randint(0, 2))
                scopes[span.service] = _scope(request.resource_spans.add(), resource).spans
                log_scopes[span.service] = _scope(logs.resource_logs.add(), resource).log_records
            parent_id = b"" if span.parent is None else span_ids[span.parent]
            _add_span(scopes[span.service], span, trace_id, span_id, parent_id)
            if span.has_error or (span.kind == _SERVER and draw.random() < 0.1):
                _add_log(log_scopes[span.service], span, trace_id, span_id)
        count += len(spans)
        if count >= spans_per_request:
            yield Requests(request.SerializeToString(), logs.SerializeToString())
            request, logs, count = ExportTraceServiceRequest(), ExportLogsServiceRequest(), 0
    if count:
        yield Requests(request.SerializeToString(), logs.SerializeToString())


def _resource(service: str, pod: int) -> dict[str, str]:
    return {
        "service.name": service,
        "service.version": "1.4.2",
        "service.instance.id": f"{service}-{pod}",
        "host.name": f"node-{pod}",
    }


def _scope(of_resource: Any, resource: dict[str, str]) -> Any:
    _add_attributes(of_resource.resource.attributes, resource)
    return of_resource.scope_spans.add() if hasattr(of_resource, "scope_spans") else of_resource.scope_logs.add()


def _add_span(sent: Any, span: TrafficSpan, trace_id: bytes, span_id: bytes, parent_id: bytes) -> None:
    added = sent.add(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_id,
        name=span.name,
        kind=span.kind,
        start_time_unix_nano=span.start_ns,
        end_time_unix_nano=span.end_ns,
    )
    added.status.code = 2 if span.has_error else 0
    _add_attributes(added.attributes, span.attributes)
    if span.raises:
        event = added.events.add(name="exception", time_unix_nano=span.end_ns)
        _add_attributes(
            event.attributes,
            {
                "exception.type": "TimeoutError",
                "exception.message": f"no answer within {span.attributes.get('server.port', 250)} ms",
                "exception.stacktrace": f'File "/app/{span.service}.py", line 42, in handle\nTimeoutError',
            },
        )


def _add_log(sent: Any, span: TrafficSpan, trace_id: bytes, span_id: bytes) -> None:
    added = sent.add(
        time_unix_nano=span.end_ns,
        observed_time_unix_nano=span.end_ns,
        severity_number=17 if span.has_error else 9,
        severity_text="ERROR" if span.has_error else "INFO",
        trace_id=trace_id,
        span_id=span_id,
    )
    added.body.string_value = f"{span.name} {'failed' if span.has_error else 'answered'}"


def _add_attributes(sent: Any, attributes: dict[str, Any]) -> None:
    for key, attribute in attributes.items():
        value = sent.add(key=key).value
        if isinstance(attribute, int):
            value.int_value = attribute
        else:
            value.string_value = attribute
