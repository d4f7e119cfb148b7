"""Signing in with the read token: a browser cannot send a bearer token, so it gets a cookie that stands for it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import html
from importlib.resources import files
from string import Template
from typing import Final
from urllib.parse import quote

from aiohttp import web

from quacktrace_collector.app_keys import METRICS, SETTINGS

COOKIE: Final = "quacktrace_session"
LOGIN_PATH: Final = "/login"
LOGOUT_PATH: Final = "/logout"

_PAGE: Final = Template((files(__package__) / "login.html").read_text("utf-8"))
_WRONG: Final = '<p class="error" role="alert">This is not the read token.</p>'
_CONTEXT: Final = b"quacktrace session"
_MAX_AGE_S: Final = 30 * 86_400
_AFTER_A_WRONG_TOKEN_S: Final = 0.5
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def add_routes(app: web.Application) -> None:
    """Register `/login` and `/logout`."""
    app.router.add_get(LOGIN_PATH, _show)
    app.router.add_post(LOGIN_PATH, _sign_in)
    app.router.add_post(LOGOUT_PATH, _sign_out)


def is_same(given: str, expected: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def has_session(request: web.Request, read_token: str) -> bool:
    """True if the browser signed in with this very token."""
    return is_same(request.cookies.get(COOKIE, ""), _session(read_token))


def to_login(request: web.Request) -> web.Response:
    """Where a person who opens a page without a session goes."""
    return web.Response(status=303, headers={"Location": f"{LOGIN_PATH}?next={quote(request.path_qs, safe='')}"})


def _session(read_token: str) -> str:
    """Outlives a restart, ends when the token changes, and does not give the token away."""
    return hmac.new(read_token.encode(), _CONTEXT, hashlib.sha256).hexdigest()


async def _show(request: web.Request) -> web.Response:
    return _page(_local(request.query.get("next", "/")))


async def _sign_in(request: web.Request) -> web.Response:
    form = await request.post()
    following, given = _local(str(form.get("next", "/"))), str(form.get("token", "")).strip()
    expected = request.app[SETTINGS].read_token
    if expected is not None and not is_same(given, expected):
        request.app[METRICS].count("qt_http_refused_total", reason="login")
        await asyncio.sleep(_AFTER_A_WRONG_TOKEN_S)
        return _page(following, error=_WRONG, status=401)
    answer = web.Response(status=303, headers={"Location": following, **_HEADERS})
    if expected is not None:
        answer.set_cookie(
            COOKIE, _session(expected), max_age=_MAX_AGE_S, httponly=True, samesite="Lax", secure=request.secure
        )
    return answer


async def _sign_out(_request: web.Request) -> web.Response:
    answer = web.Response(status=303, headers={"Location": LOGIN_PATH, **_HEADERS})
    answer.del_cookie(COOKIE, httponly=True, samesite="Lax")
    return answer


def _page(following: str, *, error: str = "", status: int = 200) -> web.Response:
    text = _PAGE.substitute(next=html.escape(following, quote=True), error=error)
    return web.Response(status=status, text=text, content_type="text/html", headers=_HEADERS)


def _local(path: str) -> str:
    """A path of ours; anything that a browser could read as another host's is the first page."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else "/"
