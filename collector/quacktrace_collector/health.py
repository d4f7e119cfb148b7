"""Liveness, readiness, what is wrong, and metrics."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Final

from aiohttp import web

from quacktrace_collector import __version__
from quacktrace_collector.app_keys import METRICS, SETTINGS, STORE
from quacktrace_collector.errors import StoreUnavailableError
from quacktrace_collector.time_range import TimeRange

PARTIAL: Final = "X-Quacktrace-Partial"
"""Header of answers that may lack what lies in quarantine."""


def add_routes(app: web.Application) -> None:
    """Register `/healthz`, `/readyz`, `/api/v1/health` and `/metrics`."""
    app.router.add_get("/api/v1/health", _health)
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz)
    app.router.add_get("/metrics", _metrics)


async def _healthz(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def mark_partial(request: web.Request, response: web.StreamResponse) -> None:
    """A signal: answers of the API say when stored data was set aside as damaged."""
    if request.path.startswith("/api/v1/") and request.app[STORE].is_partial:
        response.headers[PARTIAL] = "quarantined"


async def _health(request: web.Request) -> web.Response:
    """Always 200: for people, who are told in the dashboard what to do."""
    problems = await asyncio.to_thread(request.app[STORE].problems)
    status = "failing" if any(problem.stops_ingest for problem in problems) else "degraded" if problems else "ok"
    return web.json_response({"status": status, "problems": [asdict(problem) for problem in problems]})


async def _readyz(request: web.Request) -> web.Response:
    """The port is bound after the store was replayed, so whoever gets an answer reads every acknowledged span."""
    store = request.app[STORE]
    for problem in await asyncio.to_thread(store.problems):
        if problem.stops_ingest:
            raise StoreUnavailableError(problem.message, hint=problem.hint, code=problem.code)
    # Of no time: over everything it would open each sealed file, 0.8 s of CPU for 140 of them after a start.
    await asyncio.to_thread(store.query, "select 1 from spans limit 1", time_range=TimeRange(0, 1))
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
