"""The dashboard in the collector's process: found by its entry point, imported while the collector answers already.

Its imports take a second of CPU, more than all else that a start needs: the ports do not wait for them, and neither do
senders who come back after a restart. The first page does, unless a quiet moment came before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import time
from importlib.metadata import entry_points
from typing import Final

from aiohttp import web

from quacktrace_collector.wsgi import Handler, mount_wsgi

_log = logging.getLogger(__name__)
_GROUP: Final = "quacktrace.dashboard"
_QUIET_S: Final = 0.5
_QUIET_SHARE: Final = 0.3
"""Of one core."""
_MISSING: Final = (
    'The dashboard is not installed: pip install "quacktrace[dashboard]", then start the collector again.\n'
)


class DashboardMount:
    """Answers every path that is not the API's; `load` makes it the dashboard over a collector's URL."""

    def __init__(self, app: web.Application) -> None:
        self._loaded: asyncio.Task[Handler] | None = None
        self._wanted = asyncio.Event()
        app.router.add_route("*", "/{path:.*}", self._handle)

    def load(self, collector_url: str) -> None:
        """Begin to import it, once a page is asked for or there is nothing else to do; requests wait meanwhile."""
        self._loaded = asyncio.create_task(self._load(collector_url))

    async def _load(self, collector_url: str) -> Handler:
        while not self._wanted.is_set():
            began, used = time.monotonic(), time.process_time()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), _QUIET_S)
            if time.process_time() - used < _QUIET_SHARE * (time.monotonic() - began):
                break
        return await asyncio.to_thread(_load_and_settle, collector_url)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self._loaded is None:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"})
        self._wanted.set()
        handler = await asyncio.shield(self._loaded)
        return await handler(request)


def _load_and_settle(collector_url: str) -> Handler:
    """What was imported stays for ever: a full collection that looks at it stops everything for 110 ms, else for 1."""
    handler = _load(collector_url)
    gc.freeze()
    return handler


def _load(collector_url: str) -> Handler:
    for entry_point in entry_points(group=_GROUP):
        try:
            create_app = entry_point.load()
        except ModuleNotFoundError as error:
            _log.warning("no dashboard, as %s is missing", error.name)
            continue
        return mount_wsgi(create_app(collector_url))
    return _not_installed


async def _not_installed(_request: web.Request) -> web.StreamResponse:
    return web.Response(status=404, text=_MISSING)
