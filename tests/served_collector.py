"""A collector's receiving routes over a real store, served in this process, and ways to look into it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from quacktrace_collector.access import access_middleware
from quacktrace_collector.api.error_middleware import error_middleware
from quacktrace_collector.app_keys import INGEST, METRICS, SETTINGS
from quacktrace_collector.ingest import Ingest
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.receive.http import add_routes
from quacktrace_collector.settings import Settings
from quacktrace_collector.store import Store

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
TRUSTED = "https://shop.example"
"""An origin whose pages may send."""


@dataclass
class Collector:
    """A served collector and ways to look into it."""

    session: aiohttp.ClientSession
    port: int
    store: Store
    metrics: Metrics
    ingest: Ingest

    async def post(self, body: bytes, headers: dict[str, str], path: str = "/v1/traces") -> tuple[int, bytes, Any]:
        """Status, body and headers of the answer."""
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.post(url, data=io.BytesIO(body), headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers

    async def raw(self, request: bytes) -> bytes:
        """Everything the server says to these bytes until it closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer

    def spans(self) -> int:
        return self.store.counts()[0]

    def refused(self, reason: str) -> float:
        return self.metrics.value("qt_ingest_rejected_requests_total", reason=reason)


@asynccontextmanager
async def served_collector(folder: Path) -> AsyncIterator[Collector]:
    """Serve until the block ends."""
    metrics = Metrics()
    store = Store(folder / "data", metrics=metrics)
    ingest = Ingest(store, metrics=metrics, on_commit=lambda _committed: None)
    app = web.Application(middlewares=[error_middleware, access_middleware])
    app[INGEST], app[METRICS] = ingest, metrics
    app[SETTINGS] = Settings(data_dir=folder, cors_origins=(TRUSTED,))
    add_routes(app)
    runner = web.AppRunner(app, auto_decompress=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        yield Collector(session, port, store, metrics, ingest)
    await runner.cleanup()
    await asyncio.to_thread(ingest.stop)
    await asyncio.to_thread(store.close)
