"""Closes connections that hold a socket and say nothing: no whole request head, or a body that never ends.

aiohttp closes idle connections after their first request, but has no limit for the first head, and none for bodies that
a handler reads. Healthy clients are left alone: between requests a connection may be idle for `KEEP_ALIVE_S`, which is
twice the interval at which SDKs send metrics, the rarest of what they send.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from quacktrace_collector.metrics import Metrics

KEEP_ALIVE_S: Final = 120.0
HEAD_S: Final = 20.0
BODY_S: Final = 130.0
"""A little longer than the slowest body that ingest reads, which answers with 408."""
_STEP_S: Final = 2.0


class ConnectionWatch:
    """One application's connections; `middleware` must be its first, `watch` runs as long as it serves."""

    def __init__(self, metrics: Metrics, *, head_s: float = HEAD_S, body_s: float = BODY_S) -> None:
        self._metrics = metrics
        self._head_s = head_s
        self._body_s = body_s
        self._first_seen: dict[Any, float] = {}
        self._spoke: set[Any] = set()
        self._answering: dict[Any, tuple[web.Request, float]] = {}
        self.middleware = self._make_middleware()

    async def watch(self, server: web.Server, *, step_s: float = _STEP_S) -> None:
        """Look again and again until cancelled."""
        while True:
            await asyncio.sleep(step_s)
            self._close_silent(server.connections)

    def _close_silent(self, connections: list[Any]) -> None:
        now = asyncio.get_running_loop().time()
        self._first_seen = {one: self._first_seen.get(one, now) for one in connections}
        self._spoke.intersection_update(connections)
        for connection, first_seen in self._first_seen.items():
            request, since = self._answering.get(connection, (None, now))
            has_no_head = connection not in self._spoke and now - first_seen > self._head_s
            has_no_end = request is not None and not request.content.is_eof() and now - since > self._body_s
            if (has_no_head or has_no_end) and connection.transport is not None:
                self._metrics.count("qt_http_timeouts_total")
                connection.transport.abort()

    def _make_middleware(self) -> Middleware:
        @web.middleware
        async def note_request(request: web.Request, handler: Handler) -> web.StreamResponse:
            connection = request.protocol
            self._spoke.add(connection)
            self._answering[connection] = request, asyncio.get_running_loop().time()
            try:
                return await handler(request)
            finally:
                self._answering.pop(connection, None)

        return note_request
