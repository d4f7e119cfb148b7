"""CORS for browser SDKs: pages of the origins that `--cors-origin` names may send OTLP, and do nothing else."""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

from quacktrace_collector.app_keys import SETTINGS

_PATHS: Final = "/v1/"
_MAX_AGE_S: Final = 7_200
_ASKS_PRIVATE_NETWORK: Final = "Access-Control-Request-Private-Network"
_ALLOWS_PRIVATE_NETWORK: Final = "Access-Control-Allow-Private-Network"


def may_send(request: web.Request) -> bool:
    """True for OTLP from a page of an origin that is allowed to send it."""
    origins = request.app[SETTINGS].cors_origins
    origin = request.headers.get(hdrs.ORIGIN)
    return origin is not None and request.path.startswith(_PATHS) and (origin in origins or "*" in origins)


def cors_headers(request: web.Request) -> dict[str, str]:
    """What an answer needs so that the page may read it; empty for everyone else.

    The origin is named and credentials are allowed because `navigator.sendBeacon`, which SDKs use when no header has
    to be set, always asks with credentials; nothing below /v1/ looks at cookies.
    """
    if not may_send(request):
        return {}
    return {
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: request.headers[hdrs.ORIGIN],
        hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS: "true",
        hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: hdrs.RETRY_AFTER,
        hdrs.VARY: hdrs.ORIGIN,
    }


async def preflight(request: web.Request) -> web.Response:
    """Answer a browser that asks whether the page may send."""
    headers = cors_headers(request)
    if not headers:
        return web.Response(status=403, text="this origin may not send telemetry: see --cors-origin")
    headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = hdrs.METH_POST
    headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = request.headers.get(
        hdrs.ACCESS_CONTROL_REQUEST_HEADERS, hdrs.CONTENT_TYPE
    )
    headers[hdrs.ACCESS_CONTROL_MAX_AGE] = str(_MAX_AGE_S)
    if request.headers.get(_ASKS_PRIVATE_NETWORK) == "true":
        headers[_ALLOWS_PRIVATE_NETWORK] = "true"
    return web.Response(status=204, headers=headers)
