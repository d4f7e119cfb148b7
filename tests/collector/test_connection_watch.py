"""Silent connections are closed, healthy ones are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from aiohttp import web

from quacktrace_collector.connection_watch import ConnectionWatch
from quacktrace_collector.metrics import Metrics

PATIENCE_S = 60.0
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"


@pytest.fixture
async def served() -> AsyncIterator[tuple[int, Metrics]]:
    """A port whose connections have half a second for a head and for a body."""
    metrics = Metrics()
    watch = ConnectionWatch(metrics, head_s=0.5, body_s=0.5)

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = web.Application(middlewares=[watch.middleware])
    app.router.add_post("/", echo)
    runner = web.AppRunner(app, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    assert runner.server is not None
    watching = asyncio.create_task(watch.watch(runner.server, step_s=0.02))
    yield runner.addresses[0][1], metrics
    watching.cancel()
    await runner.cleanup()


async def until_closed(reader: asyncio.StreamReader) -> None:
    with suppress(ConnectionResetError):
        await asyncio.wait_for(reader.read(), PATIENCE_S)


@pytest.mark.parametrize("said", [b"", b"POST / HTTP/1.1\r\nHost:", HEAD, HEAD + b"1234"])
async def test_a_connection_that_falls_silent_is_closed(served: tuple[int, Metrics], said: bytes) -> None:
    port, metrics = served
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    await until_closed(reader)
    writer.close()
    assert metrics.value("qt_http_timeouts_total") == 1


async def test_a_connection_that_waits_between_requests_stays(served: tuple[int, Metrics]) -> None:
    port, metrics = served
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(HEAD + b"12345")
        answer = await asyncio.wait_for(reader.readuntil(b"12345"), PATIENCE_S)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        # Another one is closed meanwhile: longer than any limit has passed.
        silent, its_writer = await asyncio.open_connection("127.0.0.1", port)
        await until_closed(silent)
        its_writer.close()
    writer.close()
    assert metrics.value("qt_http_timeouts_total") == 2
