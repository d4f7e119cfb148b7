"""Answers of the reading API over a store of realistic traces spread over a day; prints one JSON object.

    python benchmarks/queries.py --data DIR [--spans 1500000] [--hours 24] [--repeat 40]

The store is built in DIR by appending and sealing, which is measured too; one that is there already is asked as it is.
Traces are modelled on twelve services with databases, 10 to 30 spans each: drawn once per chunk, re-stamped with new
ids and times for the next one. The API is served in this process and asked over a real socket, one request at a time;
`cpu_p50_ms` counts server and client together, and holds where other processes share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import resource
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import aiohttp
import duckdb
import numpy as np
import pyarrow as pa
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace_collector.api.error_middleware import error_middleware
from quacktrace_collector.api.live import LiveFeed
from quacktrace_collector.api.routes import add_routes
from quacktrace_collector.app_keys import LIVE, STORE
from quacktrace_collector.decode import Decoded, decode_spans
from quacktrace_collector.store import Store

_START_NS: Final = 1_795_305_600_000_000_000
_HOUR_NS: Final = 3600 * 10**9
_CHUNK_TRACES: Final = 1100
_REQUEST_SPANS: Final = 500
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
_SERVER, _CLIENT, _INTERNAL = 2, 3, 1


@dataclass
class _Span:
    service: str
    name: str
    kind: int
    parent: int | None
    attributes: dict[str, str | int]
    start_ns: int = 0
    end_ns: int = 0
    children: list[int] = field(default_factory=list)
    has_error: bool = False


class _Model:
    """Draws traces."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def trace(self, start_ns: int) -> list[_Span]:
        """Parents come before their children."""
        spans: list[_Span] = []
        budget = self.random.randint(10, 30)
        self._serve(spans, "frontend", None, budget)
        while len(spans) < 10:
            caller = self.random.choice([i for i, span in enumerate(spans) if span.service in _DATABASES] or [0])
            self._database(spans, caller)
        self._time(spans, 0, start_ns)
        self._fail(spans)
        return spans

    def _add(self, spans: list[_Span], span: _Span) -> int:
        spans.append(span)
        if span.parent is not None:
            spans[span.parent].children.append(len(spans) - 1)
        return len(spans) - 1

    def _serve(self, spans: list[_Span], service: str, parent: int | None, budget: int) -> None:
        draw = self.random
        route = f"/{service}/{draw.choice(('list', 'item', 'update'))}"
        served = self._add(
            spans,
            _Span(
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
                _Span(
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

    def _database(self, spans: list[_Span], caller: int) -> None:
        draw = self.random
        service = spans[caller].service
        system = _DATABASES.get(service, "postgresql")
        operation = draw.choice(("SELECT", "UPDATE", "INSERT"))
        self._add(
            spans,
            _Span(
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

    def _time(self, spans: list[_Span], index: int, start_ns: int) -> int:
        span = spans[index]
        own = int(self.random.lognormvariate(0.3, 0.9) * (40 if self.random.random() < 0.005 else 1) * 1e6)
        share = own // (len(span.children) + 1)
        cursor = start_ns + share
        for child in span.children:
            cursor = self._time(spans, child, cursor) + share // 2
        span.start_ns, span.end_ns = start_ns, max(cursor, start_ns + own)
        return span.end_ns

    def _fail(self, spans: list[_Span]) -> None:
        for index in range(len(spans)):
            at: int | None = index if self.random.random() < 0.013 else None
            while at is not None:
                spans[at].has_error = True
                at = spans[at].parent if self.random.random() < 0.55 else None


@dataclass(frozen=True)
class _Chunk:
    """Decoded spans that are appended again and again with other ids and times."""

    requests: list[Decoded]

    def stamped(self, generation: int, shift_ns: int) -> Iterator[Decoded]:
        """The same requests with ids of their own."""
        for decoded in self.requests:
            table = decoded.table
            for name, prefix in (("trace_id", 8), ("span_id", 4), ("parent_span_id", 4)):
                table = _set(table, name, _restamped(table[name], generation, prefix))
            for name in ("start_time", "end_time", "received_at"):
                times = pa.array(table[name].cast(pa.int64()).to_numpy() + shift_ns)
                table = _set(table, name, times.cast(pa.timestamp("ns")))
            yield replace(decoded, table=table)


def _set(table: pa.Table, name: str, column: Any) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)


def _restamped(ids: Any, generation: int, digits: int) -> Any:
    """Hex ids whose first digits are another pseudo-random function of generation and id."""
    array = ids.combine_chunks()
    width = digits * 4
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    text = array.fill_null("0" * width).to_numpy(zero_copy_only=False).astype(f"S{width}")
    digits_of = text.view(np.uint8).reshape(-1, width)
    numbers = np.where(digits_of >= 97, digits_of - 87, digits_of - 48).astype(np.uint8)
    mask = np.random.default_rng(generation * 31 + width).integers(0, 16, width, dtype=np.uint8)
    mixed = np.frombuffer(b"0123456789abcdef", np.uint8)[numbers ^ mask]
    texts = np.ascontiguousarray(mixed).view(f"S{width}").ravel().astype(f"U{width}")
    return pa.array(texts, pa.string(), mask=~valid)


def _chunk(model: _Model) -> _Chunk:
    """Traces of one second, in requests of about 500 spans."""
    requests = []
    request, count = ExportTraceServiceRequest(), 0
    for number in range(_CHUNK_TRACES):
        spans = model.trace(_START_NS + number * 10**9 // _CHUNK_TRACES)
        trace_id = model.random.randbytes(16)
        span_ids = [model.random.randbytes(8) for _ in spans]
        scopes: dict[str, Any] = {}
        for span, span_id in zip(spans, span_ids, strict=True):
            if span.service not in scopes:
                resource_spans = request.resource_spans.add()
                pod = model.random.randint(0, 2)
                for key, value in (
                    ("service.name", span.service),
                    ("service.version", "1.4.2"),
                    ("service.instance.id", f"{span.service}-{pod}"),
                    ("host.name", f"node-{pod}"),
                ):
                    resource_spans.resource.attributes.add(key=key).value.string_value = value
                scopes[span.service] = resource_spans.scope_spans.add()
            sent = scopes[span.service].spans.add(
                trace_id=trace_id,
                span_id=span_id,
                parent_span_id=b"" if span.parent is None else span_ids[span.parent],
                name=span.name,
                kind=span.kind,
                start_time_unix_nano=span.start_ns,
                end_time_unix_nano=span.end_ns,
            )
            sent.status.code = 2 if span.has_error else 0
            for key, attribute in span.attributes.items():
                value = sent.attributes.add(key=key).value
                if isinstance(attribute, int):
                    value.int_value = attribute
                else:
                    value.string_value = attribute
        count += len(spans)
        if count >= _REQUEST_SPANS:
            requests.append(decode_spans([request.SerializeToString()], received_at_ns=_START_NS))
            request, count = ExportTraceServiceRequest(), 0
    return _Chunk(requests)


def build(store: Store, *, spans: int, hours: float) -> dict[str, Any]:
    """Fill the store evenly over the hours and seal all of it; returns what that cost."""
    chunks = [_chunk(_Model(seed)) for seed in range(4)]
    per_chunk = sum(decoded.table.num_rows for decoded in chunks[0].requests)
    repeats = max(1, -(-spans // per_chunk))
    step_ns = int(hours * _HOUR_NS / repeats)
    cpu_s, began = 0.0, time.perf_counter()
    for repeat in range(repeats):
        # Each request gets its own stretch of time, so that the store is filled evenly.
        requests = list(chunks[repeat % len(chunks)].stamped(repeat + 1, repeat * step_ns))
        before = time.process_time()
        for index, decoded in enumerate(requests):
            shift_ns = index * step_ns // len(requests)
            for name in ("start_time", "end_time"):
                times = pa.array(decoded.table[name].cast(pa.int64()).to_numpy() + shift_ns)
                decoded = replace(decoded, table=_set(decoded.table, name, times.cast(pa.timestamp("ns"))))
            store.append(decoded, None)
            while store.unsealed_generations >= 3:
                time.sleep(0.002)
        cpu_s += time.process_time() - before
    before = time.process_time()
    store.seal_now()
    while store.unsealed_generations:
        time.sleep(0.01)
    cpu_s += time.process_time() - before
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "store_cpu_us_per_span": round(cpu_s * 1e6 / store.counts()[0], 2),
    }


async def measure(store: Store, *, repeat: int, seed: int = 7) -> dict[str, Any]:
    """Milliseconds by question."""
    draw = random.Random(seed)
    extent = store.data_range()
    assert extent is not None
    hours = max(int((extent.to_ns - extent.from_ns) // _HOUR_NS), 1)
    trace_ids = store.query("select trace_id from spans using sample 200 rows")["trace_id"].to_pylist()

    def hour() -> dict[str, str]:
        start = extent.from_ns + draw.randrange(hours) * _HOUR_NS + draw.randrange(0, 60) * 60 * 10**9
        return {"from": str(start // 10**6), "to": str((start + _HOUR_NS) // 10**6)}

    whole = {"from": str(extent.from_ns // 10**6), "to": str(extent.to_ns // 10**6 + 1)}
    newest = {"service": "payment", "min_duration": "60ms", "limit": "20"}
    questions: dict[str, Callable[[], tuple[str, dict[str, str]]]] = {
        "services, any hour": lambda: ("services", hour()),
        "services, whole range": lambda: ("services", whole),
        "operations of a service, whole range": lambda: ("operations", {**whole, "service": "checkout"}),
        "graph, any hour": lambda: ("graph", hour()),
        "graph, whole range": lambda: ("graph", whole),
        "hotspots, any hour": lambda: ("hotspots", hour()),
        "hotspots, whole range": lambda: ("hotspots", whole),
        "newest 20 traces of a service with a minimum duration": lambda: ("traces", {**whole, **newest}),
        "trace by id without a time range": lambda: (f"traces/{draw.choice(trace_ids)}/waterfall", {}),
        "attribute search, any hour": lambda: (
            "traces",
            {**hour(), "q": f"enduser.id:user-{draw.randint(1, 20000)}", "limit": "20"},
        ),
    }

    async def ask_all(ask: Callable[[str, dict[str, str]], Awaitable[None]]) -> dict[str, Any]:
        figures: dict[str, Any] = {}
        for name, question in questions.items():
            times_ms, cpu_ms = [], []
            for _ in range(repeat + 1):
                path, parameters = question()
                began, cpu_began = time.perf_counter(), time.process_time()
                await ask(path, parameters)
                times_ms.append((time.perf_counter() - began) * 1e3)
                cpu_ms.append((time.process_time() - cpu_began) * 1e3)
            first, *rest = times_ms
            figures[name] = {
                "p50_ms": round(float(np.quantile(rest, 0.5)), 2),
                "p95_ms": round(float(np.quantile(rest, 0.95)), 2),
                "cpu_p50_ms": round(float(np.quantile(cpu_ms[1:], 0.5)), 2),
                "first_ms": round(first, 2),
            }
        return figures

    app = web.Application(middlewares=[error_middleware])
    app[STORE], app[LIVE] = store, LiveFeed()
    add_routes(app)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        async with aiohttp.ClientSession(f"http://{host}:{port}/api/v1/") as session:

            async def ask(path: str, parameters: dict[str, str]) -> None:
                async with session.get(path, params=parameters) as response:
                    body = await response.read()
                    if response.status != 200:
                        raise RuntimeError(f"{path}: {response.status} {body[:300]!r}")

            return await ask_all(ask)
    finally:
        await runner.cleanup()


def _bytes_by_file(sealed_dir: Path) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for path in sealed_dir.rglob("*"):
        if path.is_file():
            sizes[path.name] = sizes.get(path.name, 0) + path.stat().st_size
    return sizes


def _commit() -> str:
    answer = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    )
    return answer.stdout.strip()


def main() -> None:
    """Build if need be, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--spans", type=int, default=1_500_000)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--repeat", type=int, default=40)
    arguments = parser.parse_args()
    store = Store(arguments.data)
    try:
        built = None
        if store.counts()[0] == 0:
            built = build(store, spans=arguments.spans, hours=arguments.hours)
        spans = store.counts()[0]
        figures = asyncio.run(measure(store, repeat=arguments.repeat))
        sizes = _bytes_by_file(store.sealed_dir)
        print(
            json.dumps(
                {
                    "commit": _commit(),
                    "versions": {
                        "python": platform.python_version(),
                        "duckdb": duckdb.__version__,
                        "arrow": pa.__version__,
                    },
                    "cpus": os.cpu_count(),
                    "load": os.getloadavg()[0],
                    "spans": spans,
                    "build": built,
                    "bytes_per_span": {name: round(size / spans, 3) for name, size in sorted(sizes.items())},
                    "max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                    "answers": figures,
                },
                indent=1,
            )
        )
    finally:
        store.close()


if __name__ == "__main__":
    main()
