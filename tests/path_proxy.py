"""A reverse proxy that takes a path off, in a thread of its own, as the browser tests have no event loop to spare."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import ClientSession, web

__all__ = ["PROXY_PATH", "proxy_to"]
PROXY_PATH = "/tools/quacktrace"


@contextmanager
def proxy_to(url: str) -> Iterator[str]:
    """A proxy in a thread of its own that answers below `PROXY_PATH` and nowhere else; yields its address."""
    loop = asyncio.new_event_loop()
    ready: threading.Event = threading.Event()
    stop = asyncio.Event()
    found: list[str] = []

    async def serve() -> None:
        async with ClientSession(auto_decompress=False) as session:

            async def forward(request: web.Request) -> web.StreamResponse:
                path = request.raw_path.removeprefix(PROXY_PATH)
                headers = {name: value for name, value in request.headers.items() if name != "Connection"}
                async with session.request(
                    request.method, url + path, headers=headers, data=await request.read(), allow_redirects=False
                ) as answer:
                    kept = {k: v for k, v in answer.headers.items() if k not in ("Transfer-Encoding", "Content-Length")}
                    response = web.StreamResponse(status=answer.status, headers=kept)
                    await response.prepare(request)
                    async for chunk in answer.content.iter_any():  # the live feed never ends
                        await response.write(chunk)
                    return response

            app = web.Application()
            app.router.add_route("*", PROXY_PATH + "/{path:.*}", forward)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            found.append(f"http://127.0.0.1:{runner.addresses[0][1]}{PROXY_PATH}")
            ready.set()
            await stop.wait()
            await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(60)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
