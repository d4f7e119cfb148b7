"""A real store in a temporary folder, spans as real OTLP bytes, and the reading API over real HTTP."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan

from quacktrace_collector.decode import decode_logs, decode_spans
from quacktrace_collector.store import Store
from served_collector import Collector, served_collector

RECEIVED_AT_NS = 1_795_388_500_000_000_000
BASE_NS = 1_795_388_400_000_000_000
"""2026-11-22T23:00:00Z: what times in milliseconds are counted from."""


@dataclass(frozen=True)
class SpanRow:
    """A span as a test states it; ids are numbers, times milliseconds from BASE_NS."""

    trace: int
    span: int
    parent: int | None = None
    service: str = "shop"
    name: str = "work"
    kind: str = "INTERNAL"
    start_ms: float = 0
    duration_ms: float = 10
    status: str = "UNSET"
    status_message: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict)
    resource: Mapping[str, object] = field(default_factory=dict)
    events: Sequence[tuple[str, float, Mapping[str, object]]] = ()
    links: Sequence[tuple[int, int]] = ()
    scope: str = "test"


@dataclass(frozen=True)
class LogRow:
    """A log record as a test states it."""

    body: str
    service: str = "shop"
    time_ms: float = 0
    severity: int = 9
    trace: int | None = None
    span: int | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class SpanStore:
    """A store and short ways to fill it."""

    store: Store

    def add(self, *rows: SpanRow) -> None:
        """Store the spans as one OTLP request."""
        self.add_body(spans_request(rows))

    def add_body(self, body: bytes) -> None:
        """Store a trace export request."""
        self.store.append(decode_spans([body], received_at_ns=RECEIVED_AT_NS), None)

    def add_logs(self, *rows: LogRow) -> None:
        """Store the records as one OTLP request."""
        self.store.append(None, decode_logs([logs_request(rows)], received_at_ns=RECEIVED_AT_NS))


def trace_hex(trace: int) -> str:
    return f"{trace:032x}"


def span_hex(span: int) -> str:
    return f"{span:016x}"


def spans_request(rows: Sequence[SpanRow]) -> bytes:
    """One ResourceSpans a span: the plainest thing that is valid."""
    request = ExportTraceServiceRequest()
    for row in rows:
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.extend(_attributes({"service.name": row.service, **row.resource}))
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = row.scope
        span = scope_spans.spans.add(
            trace_id=row.trace.to_bytes(16, "big"),
            span_id=row.span.to_bytes(8, "big"),
            parent_span_id=b"" if row.parent is None else row.parent.to_bytes(8, "big"),
            name=row.name,
            kind=OtlpSpan.SpanKind.Value(f"SPAN_KIND_{row.kind}"),
            start_time_unix_nano=_ns(row.start_ms),
            end_time_unix_nano=_ns(row.start_ms + row.duration_ms),
            attributes=_attributes(row.attributes),
        )
        span.status.code = {"UNSET": 0, "OK": 1, "ERROR": 2}[row.status]
        span.status.message = row.status_message
        for name, at_ms, attributes in row.events:
            span.events.add(name=name, time_unix_nano=_ns(at_ms), attributes=_attributes(attributes))
        for trace, linked in row.links:
            span.links.add(trace_id=trace.to_bytes(16, "big"), span_id=linked.to_bytes(8, "big"))
    return request.SerializeToString()


def logs_request(rows: Sequence[LogRow]) -> bytes:
    request = ExportLogsServiceRequest()
    for row in rows:
        resource_logs = request.resource_logs.add()
        resource_logs.resource.attributes.extend(_attributes({"service.name": row.service}))
        record = resource_logs.scope_logs.add().log_records.add(
            time_unix_nano=_ns(row.time_ms),
            observed_time_unix_nano=_ns(row.time_ms),
            severity_text="INFO",
            attributes=_attributes(row.attributes),
            trace_id=b"" if row.trace is None else row.trace.to_bytes(16, "big"),
            span_id=b"" if row.span is None else row.span.to_bytes(8, "big"),
        )
        record.severity_number = row.severity
        record.body.string_value = row.body
    return request.SerializeToString()


def _attributes(values: Mapping[str, object]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any_value(value)) for key, value in values.items()]


def _any_value(value: object) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            any_value = AnyValue()
            any_value.array_value.values.extend(_any_value(item) for item in value)
            return any_value
        case dict():
            any_value = AnyValue()
            any_value.kvlist_value.values.extend(_attributes(value))
            return any_value
        case None:
            return AnyValue()
    return AnyValue(string_value=str(value))


def _ns(milliseconds: float) -> int:
    return BASE_NS + round(milliseconds * 1_000_000)


@pytest.fixture
def span_store(tmp_path: Path) -> Iterator[SpanStore]:
    store = Store(tmp_path / "data")
    yield SpanStore(store)
    store.close()


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpanStore]:
    """A module's own, for tests that only read what the module's fixture put there."""
    store = Store(tmp_path_factory.mktemp("shared") / "data")
    yield SpanStore(store)
    store.close()


@pytest.fixture(scope="session")
def new_span() -> type[SpanRow]:
    return SpanRow


@pytest.fixture
def new_log() -> type[LogRow]:
    return LogRow


@pytest.fixture
async def api(span_store: SpanStore) -> AsyncIterator[TestClient[Any, Any]]:
    """A client of the reading routes over `span_store`, served on a free port."""
    from aiohttp import web

    from quacktrace_collector.api.error_middleware import error_middleware
    from quacktrace_collector.api.live import LiveFeed
    from quacktrace_collector.api.routes import add_routes
    from quacktrace_collector.app_keys import LIVE, STORE

    app = web.Application(middlewares=[error_middleware])
    app[STORE], app[LIVE] = span_store.store, LiveFeed(interval_s=0.01)
    add_routes(app)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def collector(tmp_path: Path) -> AsyncIterator[Collector]:
    """The receiving routes over a store of their own."""
    async with served_collector(tmp_path) as served:
        yield served


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of outside data; a test that needs it is skipped where it is absent."""
    folder = os.environ.get("QUACKTRACE_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("QUACKTRACE_TEST_DATA does not name the folder of outside data")
    return Path(folder)


@pytest.fixture
def sealed(span_store: SpanStore) -> Callable[[], None]:
    """Moves everything that is hot into sealed files and returns when it is there."""

    def seal() -> None:
        span_store.store.seal_now()
        for _ in range(6000):
            if not span_store.store.unsealed_generations:
                return
            threading.Event().wait(0.01)
        pytest.fail("sealing did not finish within a minute")

    return seal
