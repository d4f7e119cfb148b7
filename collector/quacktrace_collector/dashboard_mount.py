"""The dashboard in the collector's process: found by its entry point, imported while the collector answers already.

Its imports take longer than all else that a start needs, so the ports do not wait for them; the first page does.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from importlib.metadata import entry_points

from aiohttp import web

from quacktrace_collector.wsgi import Handler, mount_wsgi

_log = logging.getLogger(__name__)
_GROUP = "quacktrace.dashboard"
_MISSING = 'The dashboard is not installed: pip install "quacktrace[dashboard]", then start the collector again.\n'


class DashboardMount:
    """Answers every path that is not the API's; `load` makes it the dashboard over a collector's URL."""

    def __init__(self, app: web.Application) -> None:
        self._loaded: asyncio.Task[Handler] | None = None
        app.router.add_route("*", "/{path:.*}", self._handle)

    def load(self, collector_url: str) -> None:
        """Begin to import it; requests that come meanwhile wait."""
        self._loaded = asyncio.create_task(asyncio.to_thread(_load_and_settle, collector_url))

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self._loaded is None:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"})
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
