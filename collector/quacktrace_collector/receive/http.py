"""The routes that receive: OTLP's `POST /v1/traces`, `/v1/logs` and `/v1/metrics`, and Zipkin's `/api/v2/spans`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from quacktrace_collector.cors import cors_headers, preflight
from quacktrace_collector.errors import MalformedBodyError, NotFoundError, QuacktraceError
from quacktrace_collector.receive.encodings import CONTENT_TYPES, Encoding, content_type_of
from quacktrace_collector.receive.http_body import (
    BUDGET,
    EXPORTER,
    expect_body,
    exporter_of,
    method_not_allowed,
    read_request,
    refusal,
    wrong_content_type,
)
from quacktrace_collector.signal_kinds import Signal

ZIPKIN_PATH = "/api/v2/spans"
_ZIPKIN_CONTENT_TYPE = "application/json"


def add_routes(app: web.Application) -> None:
    """Register the paths. The application's runner needs `auto_decompress=False`."""
    app.cleanup_ctx.append(exporter_of)
    for signal in Signal:
        path = f"/v1/{signal.value}"
        app.router.add_post(path, _export_handler(signal), expect_handler=expect_body)
        app.router.add_options(path, preflight)
        app.router.add_route("*", path, method_not_allowed)
    app.router.add_route("*", "/v1/{unknown:.*}", _unknown)
    app.router.add_post(ZIPKIN_PATH, _zipkin, expect_handler=expect_body)
    app.router.add_route("*", ZIPKIN_PATH, method_not_allowed)


def _export_handler(signal: Signal) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def export(request: web.Request) -> web.StreamResponse:
        encoding = CONTENT_TYPES.get(request.content_type if hdrs.CONTENT_TYPE in request.headers else "")
        try:
            if encoding is None:
                raise wrong_content_type(request, *CONTENT_TYPES)
            with request.app[BUDGET].share() as share:
                body = await read_request(request, share)
                answer = await request.app[EXPORTER].export(signal, encoding, body)
        except QuacktraceError as error:
            return await refusal(request, error, encoding or Encoding.JSON)
        return web.Response(
            body=answer.encoded(encoding), content_type=content_type_of(encoding), headers=cors_headers(request)
        )

    return export


async def _unknown(request: web.Request) -> web.Response:
    """A page would answer otherwise, and hide a wrong endpoint."""
    paths = ", ".join(f"/v1/{signal.value}" for signal in Signal)
    raise NotFoundError(
        f"nothing is received at {request.path[:200]}", hint=f"OTLP goes to {paths}: check the endpoint of the exporter"
    )


async def _zipkin(request: web.Request) -> web.StreamResponse:
    """202 without a body, as Zipkin answers; where some spans were refused, a body says so."""
    try:
        if request.headers.get(hdrs.CONTENT_TYPE) and request.content_type != _ZIPKIN_CONTENT_TYPE:
            raise wrong_content_type(request, _ZIPKIN_CONTENT_TYPE)
        with request.app[BUDGET].share() as share:
            body = await read_request(request, share)
            answer = await request.app[EXPORTER].export(Signal.TRACES, Encoding.ZIPKIN, body)
        if answer.rejected and answer.rejected == answer.received:
            raise MalformedBodyError(answer.message)
    except QuacktraceError as error:
        return await refusal(request, error, Encoding.ZIPKIN)
    if not answer.rejected:
        return web.Response(status=202)
    return web.Response(status=202, body=answer.encoded(Encoding.ZIPKIN), content_type=content_type_of(Encoding.ZIPKIN))
