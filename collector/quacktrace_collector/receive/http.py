"""OTLP/HTTP: `POST /v1/traces`, `/v1/logs` and `/v1/metrics`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from aiohttp import ClientPayloadError, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from quacktrace_collector.app_keys import INGEST, METRICS, SETTINGS
from quacktrace_collector.errors import MalformedBodyError, QuacktraceError, UnsupportedMediaError
from quacktrace_collector.receive.body import (
    CONTENT_ENCODINGS,
    GRACE_S,
    BodyTimeoutError,
    UnsupportedEncodingError,
    read_body,
)
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.receive.export import Exporter
from quacktrace_collector.receive.status import RETRY_AFTER_S, RETRYABLE, encoded_status
from quacktrace_collector.receive.validate import Validator
from quacktrace_collector.signal_kinds import Signal

_EXPORTER: Final = web.AppKey("exporter", Exporter)
_ENCODINGS: Final = {encoding.value: encoding for encoding in Encoding}
_CHUNKED_READ_BYTES: Final = 32 << 10
_CORS_MAX_AGE_S: Final = 7_200


class _ClientGoneError(QuacktraceError):
    """Nobody is left to read the answer."""

    status = 400
    code = "client_gone"


def add_routes(app: web.Application) -> None:
    """Register the OTLP/HTTP paths. The application's runner needs `auto_decompress=False`."""
    app.cleanup_ctx.append(_exporter)
    for signal in Signal:
        path = f"/v1/{signal.value}"
        app.router.add_post(path, _export_handler(signal))
        app.router.add_options(path, _preflight)
        app.router.add_route("*", path, _method_not_allowed)


async def _exporter(app: web.Application) -> AsyncIterator[None]:
    validator = Validator()
    app[_EXPORTER] = Exporter(app[INGEST], app[METRICS], validator)
    yield
    await validator.close()


def _export_handler(signal: Signal) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def export(request: web.Request) -> web.StreamResponse:
        encoding = _ENCODINGS.get(request.content_type if hdrs.CONTENT_TYPE in request.headers else "")
        try:
            if encoding is None:
                raise _unsupported_content_type(request)
            body = await _read(request)
            answer = await request.app[_EXPORTER].export(signal, encoding, body)
        except BodyTimeoutError as error:
            return await _hang_up(request, _refusal(request, error, encoding or Encoding.JSON))
        except QuacktraceError as error:
            return _refusal(request, error, encoding or Encoding.JSON)
        return web.Response(body=answer.encoded(encoding), content_type=encoding.value, headers=_cors_headers(request))

    return export


async def _read(request: web.Request) -> bytes:
    exporter, metrics = request.app[_EXPORTER], request.app[METRICS]
    try:
        with _small_reads(request):
            return await read_body(
                request.content.iter_any(),
                content_encoding=request.headers.get(hdrs.CONTENT_ENCODING, ""),
                content_length=request.content_length,
                grace_s=GRACE_S,
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


def _unsupported_content_type(request: web.Request) -> UnsupportedMediaError:
    request.app[_EXPORTER].count_refusal("content_type")
    given = request.headers.get(hdrs.CONTENT_TYPE, "")[:100]
    return UnsupportedMediaError(f"Content-Type {given!r} is not OTLP", hint=f"use {' or '.join(_ENCODINGS)}")


def _refusal(request: web.Request, error: QuacktraceError, encoding: Encoding) -> web.Response:
    headers = _cors_headers(request)
    if error.status in RETRYABLE:
        headers[hdrs.RETRY_AFTER] = str(RETRY_AFTER_S)
    if isinstance(error, UnsupportedEncodingError):
        headers[hdrs.ACCEPT_ENCODING] = ", ".join(CONTENT_ENCODINGS)
    elif isinstance(error, UnsupportedMediaError):
        headers[hdrs.ACCEPT] = ", ".join(_ENCODINGS)
    answer = web.Response(
        status=error.status, body=encoded_status(error, encoding), content_type=encoding.value, headers=headers
    )
    if not request.content.is_eof():
        answer.force_close()  # what is left of the body must not be read as the next request
    return answer


async def _hang_up(request: web.Request, answer: web.Response) -> web.Response:
    """Send the answer and close at once: aiohttp would wait another 10 s for the rest of a body that does not come."""
    await answer.prepare(request)
    await answer.write_eof()
    if request.transport is not None:
        request.transport.close()
    return answer


async def _method_not_allowed(request: web.Request) -> web.Response:
    raise web.HTTPMethodNotAllowed(request.method, [hdrs.METH_POST, hdrs.METH_OPTIONS])


async def _preflight(request: web.Request) -> web.Response:
    headers = _cors_headers(request)
    if not headers:
        return web.Response(status=403, text="this origin may not send telemetry: see --cors-origin")
    headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = hdrs.METH_POST
    headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = request.headers.get(
        hdrs.ACCESS_CONTROL_REQUEST_HEADERS, hdrs.CONTENT_TYPE
    )
    headers[hdrs.ACCESS_CONTROL_MAX_AGE] = str(_CORS_MAX_AGE_S)
    return web.Response(status=204, headers=headers)


def _cors_headers(request: web.Request) -> dict[str, str]:
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None or origin not in request.app[SETTINGS].cors_origins:
        return {}
    return {hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: origin, hdrs.VARY: hdrs.ORIGIN}
