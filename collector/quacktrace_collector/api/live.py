"""Server-sent events: a tick, at most one a second, while data arrives."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web

from quacktrace_collector.errors import OverloadedError
from quacktrace_collector.query.timestamps import format_time

_INTERVAL_S: Final = 1.0
_KEEP_ALIVE_S: Final = 15.0
_MOST_CLIENTS: Final = 500
_NEWEST_TRACES: Final = 20


@dataclass(slots=True)
class _News:
    """What arrived since a client was last told."""

    spans: int = 0
    logs: int = 0
    trace_ids: tuple[str, ...] = ()

    def add(self, spans: int, logs: int, trace_ids: Sequence[str]) -> None:
        self.spans += spans
        self.logs += logs
        merged = dict.fromkeys((*self.trace_ids, *trace_ids[-_NEWEST_TRACES:]))
        self.trace_ids = tuple(merged)[-_NEWEST_TRACES:]


class LiveFeed:
    """Tells every listening client what was committed.

    A client is a counter and an event, not a queue: one that reads slowly is told the sum later, and costs nothing
    until then. `publish` is cheap and may be called from any thread.
    """

    def __init__(self, *, interval_s: float = _INTERVAL_S, keep_alive_s: float = _KEEP_ALIVE_S) -> None:
        self._interval_s = interval_s
        self._keep_alive_s = keep_alive_s
        self._lock = threading.Lock()
        self._clients: dict[_Client, asyncio.AbstractEventLoop] = {}
        self._closed = False

    def publish(self, spans: int, logs: int, trace_ids: Sequence[str]) -> None:
        """Call after a commit, newest trace last."""
        with self._lock:
            for client, loop in self._clients.items():
                was_quiet = client.news is None
                client.news = client.news or _News()
                client.news.add(spans, logs, trace_ids)
                if was_quiet:
                    with contextlib.suppress(RuntimeError):  # the loop has closed
                        loop.call_soon_threadsafe(client.wake.set)

    async def listen(self) -> AsyncGenerator[bytes]:
        """Events as they go over the wire; a comment where nothing happened for a while.

        Raises:
            OverloadedError: too many clients listen.
        """
        client = _Client()
        with self._lock:
            if len(self._clients) >= _MOST_CLIENTS:
                raise OverloadedError("too many clients listen to live updates", hint="close some")
            self._clients[client] = asyncio.get_running_loop()
        try:
            yield b": listening\n\n"
            while not self._closed:
                try:
                    await asyncio.wait_for(client.wake.wait(), self._keep_alive_s)
                except TimeoutError:
                    yield b": quiet\n\n"
                    continue
                client.wake.clear()
                with self._lock:
                    news, client.news = client.news, None
                if news is not None:
                    yield _event(news)
                    await asyncio.sleep(self._interval_s)
        finally:
            with self._lock:
                self._clients.pop(client, None)

    async def close(self, _app: web.Application | None = None) -> None:
        """End every client's stream, so that shutting down does not wait for them."""
        self._closed = True
        with self._lock:
            for client in self._clients:
                client.wake.set()

    @property
    def client_count(self) -> int:
        """Clients that listen now."""
        return len(self._clients)


class _Client:
    __slots__ = ("news", "wake")

    def __init__(self) -> None:
        self.news: _News | None = None
        self.wake = asyncio.Event()


def _event(news: _News) -> bytes:
    data: dict[str, Any] = {
        "spans": news.spans,
        "logs": news.logs,
        "traces": list(reversed(news.trace_ids)),
        "t": format_time(time.time_ns()),
    }
    return b"event: tick\ndata: " + orjson.dumps(data) + b"\n\n"
