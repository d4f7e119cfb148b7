"""OTLP over gRPC: real channels, bytes in and bytes out, the stock exporter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from quacktrace_collector.errors import StartupError
from quacktrace_collector.ingest import Ingest
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.receive.grpc_server import start_grpc
from quacktrace_collector.settings import Settings
from quacktrace_collector.store import Store

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"


@dataclass
class Collector:
    """A served collector."""

    settings: Settings
    port: int
    store: Store
    ingest: Ingest
    metrics: Metrics

    async def call(self, body: bytes, path: str = TRACES, host: str = "127.0.0.1", **options: Any) -> bytes:
        async with grpc.aio.insecure_channel(f"{host}:{self.port}") as channel:
            answer: bytes = await channel.unary_unary(path)(body, **options)
            return answer

    def spans(self) -> int:
        return self.store.counts()[0]


@pytest.fixture
def token() -> str | None:
    return None


@pytest.fixture
async def collector(tmp_path: Path, token: str | None) -> AsyncIterator[Collector]:
    metrics = Metrics()
    store = Store(tmp_path / "data", metrics=metrics)
    ingest = Ingest(store, metrics=metrics, on_commit=lambda _committed: None)
    settings = Settings(data_dir=tmp_path, grpc_port=0, write_token=token)
    server, port = await start_grpc(settings, ingest, metrics)
    yield Collector(settings, port, store, ingest, metrics)
    await server.stop(1)
    await asyncio.to_thread(ingest.stop)
    await asyncio.to_thread(store.close)


def trace_request(spans: int = 1, *, bad: int = 0) -> bytes:
    request = ExportTraceServiceRequest()
    scope_spans = request.resource_spans.add().scope_spans.add()
    for number in range(1, spans + bad + 1):
        trace_id = b"t" * 16 if number <= spans else b""
        scope_spans.spans.add(trace_id=trace_id, span_id=number.to_bytes(8, "big"), start_time_unix_nano=5)
    body: bytes = request.SerializeToString()
    return body


async def refusal(call: Any) -> tuple[grpc.StatusCode, Status]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    details = dict(error.value.trailing_metadata()).get("grpc-status-details-bin", b"")
    return error.value.code(), Status.FromString(details)


async def test_spans_are_stored_before_the_answer(collector: Collector) -> None:
    assert await collector.call(trace_request(3)) == b""
    assert collector.spans() == 3


async def test_a_compressed_message_is_read(collector: Collector) -> None:
    assert await collector.call(trace_request(3), compression=grpc.Compression.Gzip) == b""
    assert collector.spans() == 3


async def test_loopback_is_served_on_both_of_its_addresses(collector: Collector) -> None:
    for host in ("127.0.0.1", "[::1]"):
        assert await collector.call(b"", host=host) == b""


async def test_rejected_spans_are_a_partial_success(collector: Collector) -> None:
    answer = ExportTraceServiceResponse.FromString(await collector.call(trace_request(1, bad=2)))
    assert answer.partial_success.rejected_spans == 2
    assert collector.spans() == 1


async def test_metrics_are_accepted_and_said_to_be_dropped(collector: Collector) -> None:
    assert b"not stored" in await collector.call(b"\x0a\x08\x12\x06\x12\x04\x0a\x02hi", METRICS)


async def test_a_malformed_message_is_an_invalid_argument(collector: Collector) -> None:
    code, status = await refusal(collector.call(b"\xff"))
    assert (code, status.code) == (grpc.StatusCode.INVALID_ARGUMENT, 3)
    assert status.message.startswith("the body is not an ExportTraceServiceRequest")
    assert await collector.call(trace_request()) == b""


async def test_other_methods_are_unimplemented(collector: Collector) -> None:
    code, _ = await refusal(collector.call(b"", TRACES.replace("Export", "Import")))
    assert code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_the_limit_counts_what_comes_out(collector: Collector, compression: grpc.Compression) -> None:
    code, _ = await refusal(collector.call(bytes(64 << 20), compression=compression))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await collector.call(trace_request()) == b""


async def test_too_many_spans_are_refused_without_inviting_a_retry(collector: Collector) -> None:
    code, status = await refusal(collector.call(trace_request(100_001)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (len(status.details), collector.spans()) == (0, 0)


async def test_a_stopping_collector_says_when_to_come_back(collector: Collector) -> None:
    await asyncio.to_thread(collector.ingest.stop)
    code, status = await refusal(collector.call(trace_request()))
    assert code is grpc.StatusCode.UNAVAILABLE
    retry = RetryInfo()
    assert status.details[0].Unpack(retry)
    assert retry.retry_delay.seconds == 1


@pytest.mark.parametrize("token", ["secret"])
async def test_a_write_token_is_asked_for(collector: Collector) -> None:
    for metadata in ((), (("authorization", "Bearer wrong"),), (("authorization", "secret"),)):
        code, _ = await refusal(collector.call(trace_request(), metadata=metadata))
        assert code is grpc.StatusCode.UNAUTHENTICATED
    assert await collector.call(trace_request(), metadata=(("authorization", "Bearer secret"),)) == b""
    assert collector.spans() == 1


async def test_a_taken_port_is_named(collector: Collector) -> None:
    taken = replace(collector.settings, grpc_port=collector.port)
    with pytest.raises(StartupError, match=str(collector.port)):
        await start_grpc(taken, collector.ingest, collector.metrics)


async def test_the_stock_exporter_lands_its_spans(collector: Collector) -> None:
    def export() -> None:
        provider = TracerProvider()
        exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{collector.port}", insecure=True)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        with provider.get_tracer("test").start_as_current_span("hello"):
            pass
        provider.shutdown()

    await asyncio.to_thread(export)
    assert collector.spans() == 1
