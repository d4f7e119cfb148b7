"""`GET /api/v1/graph`: the services of a range, or of the traces that a search finds, and the calls between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from quacktrace_collector.api import parameters
from quacktrace_collector.api.in_thread import in_thread, times
from quacktrace_collector.api.trace_search import trace_cases
from quacktrace_collector.query.graph import graph
from quacktrace_collector.query.search_graph import search_graph
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store

_FILTERS: Final = ("q", "service", "operation", "status", "min_duration", "max_duration")

Answer = Mapping[str, Any]


def add_graph_route(app: web.Application) -> None:
    """Register it."""
    app.add_routes([web.get("/api/v1/graph", _graph)])


async def _graph(request: web.Request) -> web.Response:
    asked = parameters.time_range(request.query)
    is_search = any(parameters.text(request.query, name) for name in _FILTERS)
    cases = trace_cases(request.query) if is_search else []

    def answer(store: Store) -> Answer:
        window = Window(asked.from_ns, asked.to_ns, store.data_range())
        if is_search:
            return {**times(window), **search_graph(store, window, cases)}
        window = window.in_whole_minutes()
        return {**times(window), "seconds": window.seconds, **graph(store, window)}

    return await in_thread(request, answer)
