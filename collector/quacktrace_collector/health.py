"""Liveness, readiness and metrics."""

from __future__ import annotations

import asyncio

from aiohttp import web

from quacktrace_collector import __version__
from quacktrace_collector.app_keys import METRICS, SETTINGS, STORE


def add_routes(app: web.Application) -> None:
    """Register `/healthz`, `/readyz` and `/metrics`."""
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz)
    app.router.add_get("/metrics", _metrics)


async def _healthz(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _readyz(request: web.Request) -> web.Response:
    """The port is bound after the store was replayed, so whoever gets an answer reads every acknowledged span."""
    store = request.app[STORE]
    await asyncio.to_thread(store.query, "select 1 from spans limit 1")
    spans, logs = store.counts()
    return web.json_response(
        {
            "status": "ready",
            "version": __version__,
            "spans": spans,
            "logs": logs,
            "data_dir": str(request.app[SETTINGS].data_dir),
        }
    )


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(text=request.app[METRICS].render(), headers={"Content-Type": "text/plain; version=0.0.4"})
