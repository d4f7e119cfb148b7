"""What the routes that receive have in common: the body read with its limits, and the answer when it is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final

from aiohttp import ClientPayloadError, hdrs, web
from aiohttp.http import HttpVersion11
from aiohttp.http_exceptions import HttpProcessingError

from quacktrace_collector.app_keys import INGEST, METRICS
from quacktrace_collector.cors import cors_headers
from quacktrace_collector.errors import MalformedBodyError, QuacktraceError, UnsupportedMediaError
from quacktrace_collector.receive.body import (
    CONTENT_ENCODINGS,
    GRACE_S,
    MAX_BODY_BYTES,
    BodyTimeoutError,
    UnsupportedEncodingError,
    read_body,
)
from quacktrace_collector.receive.body_budget import BodyBudget, BodyShare
from quacktrace_collector.receive.encodings import Encoding, content_type_of
from quacktrace_collector.receive.export import Exporter
from quacktrace_collector.receive.status import RETRY_AFTER_S, RETRYABLE, encoded_status
from quacktrace_collector.receive.validate import Validator

EXPORTER: Final = web.AppKey("exporter", Exporter)
BUDGET: Final = web.AppKey("body_budget", BodyBudget)
_CHUNKED_READ_BYTES: Final = 32 << 10


class _ClientGoneError(QuacktraceError):
    """Nobody is left to read the answer."""

    status = 400
    code = "client_gone"


async def exporter_of(app: web.Application) -> AsyncIterator[None]:
    """For `cleanup_ctx`: the exporter that the routes share, and its validation child."""
    validator = Validator()
    app[EXPORTER] = Exporter(app[INGEST], app[METRICS], validator)
    app[BUDGET] = BodyBudget()
    yield
    await validator.close()


async def read_request(request: web.Request, share: BodyShare) -> bytes:
    """The decompressed body, which takes its share of memory; every refusal is counted."""
    exporter, metrics = request.app[EXPORTER], request.app[METRICS]
    try:
        with _small_reads(request):
            return await read_body(
                request.content.iter_any(),
                content_encoding=", ".join(request.headers.getall(hdrs.CONTENT_ENCODING, ())),
                content_length=request.content_length,
                grace_s=GRACE_S,
                on_size=share.grow,
            )
    except BodyTimeoutError:
        metrics.count("qt_http_timeouts_total")
        raise
    except QuacktraceError as error:
        exporter.count_refusal(error.code)
        raise
    except (HttpProcessingError, ClientPayloadError) as error:
        exporter.count_refusal(MalformedBodyError.code)
        raise MalformedBodyError(f"the body's framing is broken: {error}") from error
    except ConnectionError as error:
        metrics.count("qt_ingest_aborted_total")
        raise _ClientGoneError("the client went away before its body was complete") from error


def wrong_content_type(request: web.Request, *accepted: str) -> UnsupportedMediaError:
    """The error for a Content-Type other than these."""
    request.app[EXPORTER].count_refusal("content_type")
    given = request.headers.get(hdrs.CONTENT_TYPE, "")[:100]
    error = UnsupportedMediaError(f"Content-Type {given!r} is not understood", hint=f"use {' or '.join(accepted)}")
    error.accepted = accepted
    return error


async def refusal(request: web.Request, error: QuacktraceError, encoding: Encoding) -> web.StreamResponse:
    """The error as a google.rpc.Status in the encoding."""
    headers = cors_headers(request)
    if error.status in RETRYABLE:
        headers[hdrs.RETRY_AFTER] = str(RETRY_AFTER_S)
    if isinstance(error, UnsupportedEncodingError):
        headers[hdrs.ACCEPT_ENCODING] = ", ".join(CONTENT_ENCODINGS)
    elif isinstance(error, UnsupportedMediaError):
        headers[hdrs.ACCEPT] = ", ".join(error.accepted)
    answer = web.Response(
        status=error.status,
        body=encoded_status(error, encoding),
        content_type=content_type_of(encoding),
        headers=headers,
    )
    if isinstance(error, BodyTimeoutError):
        return await _hang_up(request, answer)
    if not request.content.is_eof():
        answer.force_close()  # what is left of the body must not be read as the next request
    return answer


async def expect_body(request: web.Request) -> None:
    """Answer `Expect: 100-continue` unless the length that is announced will be refused anyway.

    Raises:
        HTTPExpectationFailed: something else is expected.
    """
    if request.version < HttpVersion11:
        return
    expected = request.headers.get(hdrs.EXPECT, "").lower()
    if expected != "100-continue":
        raise web.HTTPExpectationFailed
    if (request.content_length or 0) <= MAX_BODY_BYTES and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def method_not_allowed(request: web.Request) -> web.Response:
    """Any method but those of the other handlers of the path."""
    raise web.HTTPMethodNotAllowed(request.method, [hdrs.METH_POST, hdrs.METH_OPTIONS])


@contextmanager
def _small_reads(request: web.Request) -> Iterator[None]:
    """Make asyncio read less at once while a chunked body comes in.

    aiohttp's parser takes 2 µs a chunk, and the 256 KiB that asyncio reads at once can hold 43,000 chunks of one byte:
    100 ms of a blocked loop. Transports that have no such limit (TLS) are left as they are.
    """
    transport: Any = request.transport
    size = getattr(transport, "max_size", None)
    if size is None or request.content_length is not None:
        yield
        return
    transport.max_size = _CHUNKED_READ_BYTES
    try:
        yield
    finally:
        transport.max_size = size


async def _hang_up(request: web.Request, answer: web.Response) -> web.Response:
    """Send the answer and close at once: aiohttp would wait another 10 s for the rest of a body that does not come."""
    await answer.prepare(request)
    await answer.write_eof()
    if request.transport is not None:
        request.transport.close()
    return answer
