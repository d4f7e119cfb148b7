"""Answers are worked out in threads of the API's own, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from aiohttp import hdrs, web

from quacktrace_collector.api.answers import encode
from quacktrace_collector.app_keys import STORE
from quacktrace_collector.query.timestamps import format_time
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

# Queries share two DuckDB threads; more at once would only make each of them slower.
_THREADS: Final = 4
_EXECUTOR: Final = web.AppKey("api_executor", ThreadPoolExecutor)

Answer = Mapping[str, Any]


def add_executor(app: web.Application) -> None:
    """Start the threads, and end them with the application."""
    app[_EXECUTOR] = ThreadPoolExecutor(_THREADS, thread_name_prefix="api")
    app.on_cleanup.append(_stop_executor)


async def in_thread(request: web.Request, answer: Callable[[Store], Answer]) -> web.Response:
    """The answer as JSON, encoded and compressed where it was worked out."""
    accept_encoding = request.headers.get(hdrs.ACCEPT_ENCODING, "")

    def work(store: Store) -> web.Response:
        body, headers = encode(answer(store), accept_encoding=accept_encoding)
        return web.Response(body=body, headers=headers)

    return await response_in_thread(request, work)


async def response_in_thread(request: web.Request, work: Callable[[Store], web.Response]) -> web.Response:
    """A response of one's own, made in a thread."""

    return await asyncio.get_running_loop().run_in_executor(request.app[_EXECUTOR], work, request.app[STORE])


def times(window: Window) -> dict[str, str | None]:
    """What every answer over a range says: the range, and where data is at all."""
    extent: TimeRange | None = window.extent
    return {
        "from": format_time(window.from_ns),
        "to": format_time(window.to_ns),
        "data_from": format_time(extent.from_ns) if extent else None,
        "data_to": format_time(extent.to_ns) if extent else None,
    }


async def _stop_executor(app: web.Application) -> None:
    await asyncio.to_thread(app[_EXECUTOR].shutdown)
