"""Spans per CPU-second that a running collector stores, until everything is sealed; prints one JSON object.

    python benchmarks/ingest.py [--seconds 15] [--connections 16] [--spans-per-request 500]
                                [--protocol protobuf|json|grpc] [--gzip] [--rate SPANS_PER_S] [--data DIR]

The collector is `quacktrace up` on a folder of its own, the load comes from a process of its own on the same machine,
over real connections, each with one request at a time. The spans are `traffic.py`'s, given new trace ids for every
round. CPU is the collector's, user and system, sealing and rollups included: it is asked until nothing is left to seal.
`stages` are CPU microseconds a span of the same bodies in this process, one stage after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import multiprocessing
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import grpc.aio
import numpy as np
import orjson
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace_collector.decode import decode_spans
from quacktrace_collector.receive.accept import accepted_request
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.signal_kinds import Signal
from quacktrace_collector.store import Store
from traffic import Model, requests

_SPANS_PER_TRACE: Final = 19
_CORPUS_SPANS: Final = 100_000
_PATIENCE_S: Final = 120
_TRACE_ID_FIELD: Final = b"\x0a\x10"
_METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_GROUP: Final = 8
"""Requests a commit, about what 16 connections make of it."""


@dataclass(frozen=True)
class Load:
    """What is sent, and how."""

    protocol: str
    connections: int
    seconds: float
    is_gzipped: bool
    rate: float


@dataclass
class Sent:
    """What came of it."""

    stored: int = 0
    refused: int = 0
    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Body:
    """A request, and where its trace ids stand."""

    content: bytes
    spans: int
    places: np.ndarray[Any, Any]

    @staticmethod
    def of(content: bytes, *, as_json: bool) -> Body:
        """From a serialised request."""
        request = ExportTraceServiceRequest.FromString(content)
        ids = [
            span.trace_id
            for of_resource in request.resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]
        if as_json:
            content = _json(request)
        places, end = [], 0
        for trace_id in ids:
            prefix, written = (b"", trace_id.hex().encode()) if as_json else (_TRACE_ID_FIELD, trace_id)
            start = content.index(prefix + written, end) + len(prefix)
            places.append(start)
            end = start + len(written)
        return Body(content, len(ids), np.array(places))

    def of_round(self, number: int) -> bytes:
        """The same with trace ids of its own: the first bytes count the rounds."""
        content = np.frombuffer(self.content, np.uint8).copy()
        for index, digit in enumerate(b"%04x" % number):
            content[self.places + index] = digit
        return content.tobytes()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--spans-per-request", type=int, default=500)
    parser.add_argument("--protocol", choices=("protobuf", "json", "grpc"), default="protobuf")
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--rate", type=float, default=0.0, help="spans per second; as fast as it goes by default")
    parser.add_argument("--data", type=Path, help="an empty or missing folder; a temporary one by default")
    arguments = parser.parse_args()
    traces = max(_CORPUS_SPANS, 20 * arguments.spans_per_request) // _SPANS_PER_TRACE
    drawn = [one.traces for one in requests(Model(1), traces=traces, spans_per_request=arguments.spans_per_request)]
    bodies = [Body.of(content, as_json=arguments.protocol == "json") for content in drawn]
    load = Load(arguments.protocol, arguments.connections, arguments.seconds, arguments.gzip, arguments.rate)
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure(load, bodies, arguments.data or Path(scratch) / "data")
        stages = {} if arguments.protocol == "json" else stage_costs(drawn, Path(scratch) / "stages")
    spans = sum(body.spans for body in bodies)
    settings = {**vars(arguments), "data": str(arguments.data or "temporary")}
    print(
        json.dumps(
            {
                "benchmark": "ingest",
                "settings": settings,
                "bytes_per_span": round(sum(len(body.content) for body in bodies) / spans, 1),
                "spans_per_request": round(spans / len(bodies), 1),
                **figures,
                "stages_cpu_us_per_span": stages,
                "commit": _commit(),
                "python": platform.python_version(),
                "versions": {name: version(name) for name in ("duckdb", "pyarrow", "ptars", "aiohttp", "protobuf")},
            },
            indent=2,
        )
    )


def measure(load: Load, bodies: Sequence[Body], data: Path) -> dict[str, Any]:
    """Load a collector and wait until it has sealed everything."""
    with running_collector(data) as (pid, http_port, grpc_port):
        port = grpc_port if load.protocol == "grpc" else http_port
        cpu_before = cpu_seconds(pid)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            sent = pool.apply(send, (load, bodies, port))
        cpu_loaded = cpu_seconds(pid)
        await_metric(http_port, "qt_store_unsealed_generations", 0)
        time.sleep(3)
        cpu = cpu_seconds(pid) - cpu_before
        metrics = read_metrics(http_port)
        status = Path(f"/proc/{pid}/status").read_text()
        stored = int(metrics["qt_ingest_stored_spans_total"])
        if stored != sent.stored:
            raise RuntimeError(f"{sent.stored} spans were acknowledged, {stored} are stored")
        sealed = [json.loads(path.read_text()) for path in data.glob("sealed/*/segment.json")]
        sealed_spans = sum(segment["span_count"] for segment in sealed)
        latencies = sorted(sent.latencies_ms)
        return {
            "spans": stored,
            "refused_requests": sent.refused,
            "spans_per_s": round(stored / sent.seconds),
            "spans_per_cpu_s": round(stored / cpu),
            "cpu_s": round(cpu, 2),
            "cpu_s_after_the_load": round(cpu - (cpu_loaded - cpu_before), 2),
            "answer_ms_p50": round(statistics.median(latencies), 1),
            "answer_ms_p99": round(latencies[int(0.99 * len(latencies))], 1),
            "sealed_spans": sealed_spans,
            "bytes_per_sealed_span": round(sum(segment_bytes(data)) / max(1, sealed_spans), 2),
            "rss_mb": int(status.split("VmRSS:")[1].split()[0]) // 1024,
            "rss_peak_mb": int(status.split("VmHWM:")[1].split()[0]) // 1024,
        }


@contextmanager
def running_collector(data: Path) -> Iterator[tuple[int, int, int]]:
    """Process id, HTTP and gRPC port of `quacktrace up` without a limit to what it keeps."""
    command = [sys.executable, "-m", "quacktrace", "up", "--no-browser", "--port", "0", "--grpc-port", "0"]
    command += ["--data", str(data), "--retention", "3650d", "--max-size", "1000GB"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ports: dict[str, int] = {}
        for line in process.stdout:
            if found := re.search(r"OTLP/(HTTP|gRPC)\s+\S*?:(\d+)(?:/|\s|$)", line):
                ports[found[1]] = int(found[2])
            if len(ports) == 2:
                break
        await_ready(ports["HTTP"])
        yield process.pid, ports["HTTP"], ports["gRPC"]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_PATIENCE_S)


def send(load: Load, bodies: Sequence[Body], port: int) -> Sent:
    """Run the load; in a process of its own."""
    return asyncio.run(_send(load, bodies, port))


async def _send(load: Load, bodies: Sequence[Body], port: int) -> Sent:
    sent = Sent()
    began = time.perf_counter()
    turns = iter(range(10**9))

    async def work(post: Callable[[bytes], Awaitable[bool]]) -> None:
        while (elapsed := time.perf_counter() - began) < load.seconds:
            number, index = divmod(next(turns), len(bodies))
            body = bodies[index]
            content = body.of_round(number)
            if load.is_gzipped:
                content = gzip.compress(content, 1)
            if load.rate:
                await asyncio.sleep(sent.stored / load.rate - elapsed)
            asked = time.perf_counter()
            if await post(content):
                sent.stored += body.spans
                sent.latencies_ms.append((time.perf_counter() - asked) * 1000)
            else:
                sent.refused += 1

    if load.protocol == "grpc":
        compression = grpc.Compression.Gzip if load.is_gzipped else grpc.Compression.NoCompression
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", compression=compression) as channel:
            export = channel.unary_unary(_METHOD)

            async def call(content: bytes) -> bool:
                return await export(content) == b""

            await asyncio.gather(*(work(call) for _ in range(load.connections)))
    else:
        posters = [_Poster(load, port) for _ in range(load.connections)]
        await asyncio.gather(*(work(poster.post) for poster in posters))
    sent.seconds = time.perf_counter() - began
    return sent


class _Poster:
    """One keep-alive connection; leaner than a client library, whose cost would limit the load."""

    def __init__(self, load: Load, port: int) -> None:
        kind = "application/json" if load.protocol == "json" else "application/x-protobuf"
        encoding = "Content-Encoding: gzip\r\n" if load.is_gzipped else ""
        self._head = f"POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {kind}\r\n{encoding}"
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, content: bytes) -> bool:
        """True for a 200."""
        self._streams = self._streams or await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(f"{self._head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        return head.startswith(b"HTTP/1.1 200")


def stage_costs(contents: Sequence[bytes], data: Path) -> dict[str, float]:
    """CPU microseconds a span: validation, decoding, commit (with duplicates and feed), sealing (with rollups)."""
    spans = 0
    spent = {"validate": 0.0, "decode": 0.0, "commit": 0.0}
    store = Store(data, generation_spans=10**9)

    def timed(stage: str, began: float) -> float:
        now = time.process_time()
        spent[stage] += now - began
        return now

    for start in range(0, len(contents), _GROUP):
        group = contents[start : start + _GROUP]
        at = time.process_time()
        accepted = [accepted_request(Signal.TRACES, Encoding.PROTOBUF, content) for content in group]
        at = timed("validate", at)
        decoded = decode_spans([one.body for one in accepted], received_at_ns=time.time_ns())
        at = timed("decode", at)
        spans += store.append(decoded, None).stored_spans
        timed("commit", at)
    began = time.process_time()
    store.seal_now()
    while store.unsealed_generations:
        time.sleep(0.05)
    spent["seal"] = time.process_time() - began
    store.close()
    return {stage: round(seconds / spans * 1e6, 2) for stage, seconds in spent.items()}


def cpu_seconds(pid: int) -> float:
    """User and system time of the process so far."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def segment_bytes(data: Path) -> Iterator[int]:
    """Sizes of everything that is sealed."""
    return (path.stat().st_size for path in data.glob("sealed/*/*"))


def read_metrics(port: int) -> dict[str, float]:
    """Those without labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=_PATIENCE_S) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def await_metric(port: int, name: str, value: float) -> None:
    """Wait until it is that."""
    deadline = time.monotonic() + _PATIENCE_S
    while read_metrics(port)[name] != value:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} did not become {value:g}")
        time.sleep(0.1)


def await_ready(port: int) -> None:
    """Wait until every page and call would be answered."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=_PATIENCE_S):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the collector did not become ready")


def _json(request: ExportTraceServiceRequest) -> bytes:
    document = MessageToDict(request, use_integers_for_enums=True)
    for of_resource, sent_resource in zip(document["resourceSpans"], request.resource_spans, strict=True):
        for of_scope, sent_scope in zip(of_resource["scopeSpans"], sent_resource.scope_spans, strict=True):
            for span, sent in zip(of_scope["spans"], sent_scope.spans, strict=True):
                span.update(traceId=sent.trace_id.hex(), spanId=sent.span_id.hex())
                if sent.parent_span_id:
                    span["parentSpanId"] = sent.parent_span_id.hex()
    return orjson.dumps(document)


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    ).stdout.strip()


if __name__ == "__main__":
    main()
