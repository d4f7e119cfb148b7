"""The collector process: one aiohttp application over one store, and the gRPC server beside it."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from quacktrace_collector import health, login
from quacktrace_collector.access import access_middleware
from quacktrace_collector.api import export_routes
from quacktrace_collector.api import routes as api_routes
from quacktrace_collector.api.error_middleware import error_middleware
from quacktrace_collector.api.live import LiveFeed
from quacktrace_collector.app_keys import INGEST, LIVE, METRICS, SETTINGS, SQL_POOL, STORE
from quacktrace_collector.connection_watch import KEEP_ALIVE_S, ConnectionWatch
from quacktrace_collector.dashboard_mount import DashboardMount
from quacktrace_collector.errors import StartupError
from quacktrace_collector.ingest import Committed, Ingest
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.receive import http as receive_http
from quacktrace_collector.receive.grpc_server import start_grpc
from quacktrace_collector.settings import Settings
from quacktrace_collector.sql import routes as sql_routes
from quacktrace_collector.sql.pool import SqlPool
from quacktrace_collector.store import Store
from quacktrace_collector.unused_memory import share_one_heap

_SHUTDOWN_S = 3.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the collector listens."""

    http_url: str
    grpc_address: str


def serve(settings: Settings, *, on_ready: Callable[[Addresses], None] = lambda _addresses: None) -> int:
    """Run until SIGINT or SIGTERM; `on_ready` is called once every acknowledged span is queryable.

    Raises:
        StartupError: a taken port, a data folder in use; the message is the one line to show.
    """
    share_one_heap()
    try:
        asyncio.run(_serve(settings, on_ready))
    finally:
        gc.unfreeze()  # what the dashboard's loading froze; extension modules complain about objects that outlive them
    return 0


async def _serve(settings: Settings, on_ready: Callable[[Addresses], None]) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with running(settings) as addresses:
        on_ready(addresses)
        await stopping.wait()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Addresses]:
    """The collector with its ports bound; leaving stops accepting, commits what waits and lets go of the folder."""
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        store = await asyncio.to_thread(
            Store,
            settings.data_dir,
            metrics=metrics,
            retention_s=settings.retention_s,
            max_size_bytes=settings.max_size_bytes,
            least_free_bytes=settings.least_free_bytes,
        )
        stack.push_async_callback(asyncio.to_thread, store.close)
        live = LiveFeed()

        def publish(committed: Committed) -> None:
            live.publish(committed.spans, committed.logs, committed.trace_ids)

        ingest = Ingest(store, metrics=metrics, on_commit=publish)
        stack.push_async_callback(asyncio.to_thread, ingest.stop)
        pool = SqlPool(store, metrics=metrics)
        stack.push_async_callback(pool.close)
        _register_gauges(metrics, store)

        watch = ConnectionWatch(metrics)
        app = web.Application(middlewares=[watch.middleware, error_middleware, access_middleware])
        app[INGEST], app[LIVE], app[METRICS] = ingest, live, metrics
        app[SETTINGS], app[SQL_POOL], app[STORE] = settings, pool, store
        app.on_response_prepare.append(health.mark_partial)
        for module in (receive_http, health, login, export_routes, api_routes, sql_routes):
            module.add_routes(app)

        # The bodies' own reader inflates in bounded steps; aiohttp's would inflate a bomb at once.
        runner = web.AppRunner(
            app,
            auto_decompress=False,
            access_log=None,
            logger=_http_log(),
            shutdown_timeout=_SHUTDOWN_S,
            keepalive_timeout=KEEP_ALIVE_S,
        )
        dashboard = DashboardMount(app)
        stack.callback(gc.unfreeze)
        stack.push_async_callback(runner.cleanup)
        port = await _listen(runner, settings)
        assert runner.server is not None
        watching = asyncio.create_task(watch.watch(runner.server))
        stack.callback(watching.cancel)
        dashboard.load(await _dashboard_source(runner, settings, port))
        grpc_port = await _start_grpc(settings, ingest, metrics, stack)
        stopping = threading.Event()
        warming = asyncio.create_task(asyncio.to_thread(store.warm, stopping))
        stack.push_async_callback(asyncio.wait, [warming])
        stack.callback(stopping.set)
        scheme = "https" if settings.tls_cert else "http"
        yield Addresses(f"{scheme}://{_bracketed(settings.host)}:{port}", f"{_bracketed(settings.host)}:{grpc_port}")


async def _listen(runner: web.AppRunner, settings: Settings) -> int:
    """Bind and serve; returns the port, which matters when the settings say 0."""
    await runner.setup()
    context = None
    if settings.tls_cert and settings.tls_key:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    try:
        await web.TCPSite(runner, settings.host, settings.port, ssl_context=context).start()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StartupError(
            f"cannot listen on {settings.host}:{settings.port}: {reason}",
            hint="stop what listens there, or choose another port with --port",
        ) from error
    port: int = runner.addresses[0][1]
    return port


async def _dashboard_source(runner: web.AppRunner, settings: Settings, port: int) -> str:
    """Where the dashboard asks: the collector itself, over loopback and in plain text even when the world uses TLS."""
    if settings.tls_cert is None:
        host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
        return f"http://{_bracketed(host)}:{port}"
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[-1][1]}"


async def _start_grpc(settings: Settings, ingest: Ingest, metrics: Metrics, stack: AsyncExitStack) -> int:
    server, port = await start_grpc(settings, ingest, metrics)
    stack.push_async_callback(server.stop, _SHUTDOWN_S)
    return port


def _http_log() -> logging.Logger:
    """aiohttp's own log without what a client did wrong: broken HTTP is answered with 400 and is no news here."""

    def is_ours(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, (HttpProcessingError, ConnectionError))

    log = logging.getLogger("quacktrace_collector.http")
    log.addFilter(is_ours)
    return log


def _register_gauges(metrics: Metrics, store: Store) -> None:
    metrics.gauge("qt_store_spans", lambda: store.counts()[0])
    metrics.gauge("qt_store_logs", lambda: store.counts()[1])
    metrics.gauge("qt_store_sealed_bytes", store.size_bytes)
    metrics.gauge("qt_store_hot_bytes", store.hot_bytes)
    metrics.gauge("qt_store_segments", lambda: len(store.segments))
    metrics.gauge("qt_store_free_disk_bytes", lambda: store.space.free_bytes)
    metrics.gauge("qt_store_unsealed_generations", lambda: store.unsealed_generations)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
