"""`GET /api/v1/export`: the spans of a range, streamed, however many they are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp import hdrs, web

from quacktrace_collector.api import parameters
from quacktrace_collector.api.trace_ids import parse_trace_id
from quacktrace_collector.app_keys import STORE
from quacktrace_collector.errors import OverloadedError
from quacktrace_collector.query.span_stream import FORMATS, Format, Wanted, stream_spans
from quacktrace_collector.query.timestamps import EARLIEST_NS, LATEST_NS
from quacktrace_collector.store import Store

_log = logging.getLogger(__name__)

_MOST_AT_ONCE: Final = 2
_CONTENT_TYPES: Final[dict[Format, str]] = {
    "otlp-json": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


class _Exports:
    """The thread in which all exports are made, a piece at a time each, and how many there are."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(1, thread_name_prefix="export")
        self.running = 0


_EXPORTS: Final = web.AppKey("exports", _Exports)


def add_routes(app: web.Application) -> None:
    """Register the path."""
    app[_EXPORTS] = _Exports()
    app.on_cleanup.append(_stop)
    app.router.add_get("/api/v1/export", _export, allow_head=False)


def asked_for(query: parameters.Parameters) -> tuple[Wanted, Format]:
    """What the parameters mean; without `from` and `to` it is everything, the future included.

    Raises:
        BadRequestError: one of them is wrong.
    """
    form = parameters.choice(query, "format", FORMATS, default="otlp-json")
    trace_id = parameters.text(query, "trace_id")
    wanted = Wanted(
        parameters.time_range({"to": str(LATEST_NS // 10**6), **query}, default_from_ns=EARLIEST_NS),
        service=parameters.text(query, "service"),
        trace_id=None if trace_id is None else parse_trace_id(trace_id),
    )
    return wanted, form


async def _export(request: web.Request) -> web.StreamResponse:
    wanted, form = asked_for(request.query)
    exports = request.app[_EXPORTS]
    if exports.running >= _MOST_AT_ONCE:
        raise OverloadedError(f"{_MOST_AT_ONCE} exports are running", hint="wait until one of them has ended")
    exports.running += 1
    loop = asyncio.get_running_loop()
    pieces = _pieces(request.app[STORE], wanted, form)
    try:
        first = await loop.run_in_executor(exports.executor, next, pieces, None)
        response = web.StreamResponse(
            headers={hdrs.CONTENT_TYPE: _CONTENT_TYPES[form], "X-Content-Type-Options": "nosniff"}
        )
        await response.prepare(request)
        await _write_all(request, response, pieces, first)
        return response
    finally:
        exports.running -= 1
        loop.run_in_executor(exports.executor, pieces.close)


async def _write_all(
    request: web.Request, response: web.StreamResponse, pieces: Iterator[bytes], piece: bytes | None
) -> None:
    loop, executor = asyncio.get_running_loop(), request.app[_EXPORTS].executor
    try:
        while piece is not None:
            await response.write(piece)
            piece = await loop.run_in_executor(executor, next, pieces, None)
        await response.write_eof()
    except ConnectionError:
        return  # nobody reads on
    except Exception:
        # Too late for another status: a connection that breaks off is the only way to say that the export is not whole.
        _log.exception("an export was broken off")
        if request.transport is not None:
            request.transport.abort()


def _pieces(store: Store, wanted: Wanted, form: Format) -> Generator[bytes, None, None]:
    with store.snapshot() as snapshot:
        yield from stream_spans(snapshot, wanted, form)


async def _stop(app: web.Application) -> None:
    await asyncio.to_thread(app[_EXPORTS].executor.shutdown)
