"""Who may ask: the Host and Origin checks that keep other web pages out of a collector on loopback, and tokens."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from quacktrace_collector.app_keys import METRICS, SETTINGS
from quacktrace_collector.cors import cors_headers, may_send
from quacktrace_collector.login import LOGIN_PATH, has_session, is_same, to_login
from quacktrace_collector.settings import Settings

_INGEST_PATHS = ("/v1/", "/api/v2/spans")
_OPEN_PATHS = frozenset({"/healthz", LOGIN_PATH})


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
        if _is_page_visit(request):
            return to_login(request)
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
    if scheme.lower() == "bearer":
        return is_same(given.strip(), expected)
    return not writes and has_session(request, expected)


def _is_page_visit(request: web.Request) -> bool:
    """A person opens a page, as against a script that asks the API."""
    wants_page = "text/html" in request.headers.get("Accept", "")
    return request.method == "GET" and wants_page and not request.path.startswith(("/api/", *_INGEST_PATHS))


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
