"""Who may ask: the Host and Origin checks that keep other web pages out of a collector on loopback, and tokens."""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from quacktrace_collector.app_keys import METRICS, SETTINGS
from quacktrace_collector.cors import cors_headers, may_send
from quacktrace_collector.settings import Settings

_INGEST_PATHS = ("/v1/", "/api/v2/spans")
_OPEN_PATHS = frozenset({"/healthz", "/login"})


@web.middleware
async def access_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a foreign Host (DNS rebinding, 421), a foreign Origin (403) and a missing or wrong token (401)."""
    settings = request.app[SETTINGS]
    if _is_loopback(settings.host) and not _is_loopback(_host_name(request.host)):
        request.app[METRICS].count("qt_http_refused_total", reason="host")
        return _refusal(421, "misdirected", f"this collector does not answer for the host {request.host!r}")
    origin = request.headers.get("Origin")
    if origin and _authority(origin) != request.host and not may_send(request):
        request.app[METRICS].count("qt_http_refused_total", reason="origin")
        return _refusal(403, "foreign_origin", f"pages of {origin} may not ask; allow them with --cors-origin {origin}")
    if request.path not in _OPEN_PATHS and not _has_token(request, settings):
        request.app[METRICS].count("qt_http_refused_total", reason="token")
        answer = _refusal(401, "unauthorized", "a valid token is needed: Authorization: Bearer <token>")
        answer.headers.update(cors_headers(request))
        return answer
    return await handler(request)


def _has_token(request: web.Request, settings: Settings) -> bool:
    writes = request.path.startswith(_INGEST_PATHS)
    expected = settings.write_token if writes else settings.read_token
    if expected is None or request.method == "OPTIONS":
        return True
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode("utf-8", "surrogateescape"), expected.encode()
    )


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message, "hint": ""}}, status=status)
