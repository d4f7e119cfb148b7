"""Serve a WSGI application (the dashboard) from inside the aiohttp process, on the same port.

The application runs in a thread pool of its own, so that a slow page never takes a thread from ingest or queries.
Responses are buffered whole: right for pages and callbacks, wrong for downloads, which the API streams itself.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication, WSGIEnvironment
from wsgiref.util import is_hop_by_hop

from aiohttp import web

__all__ = ["Handler", "mount_wsgi"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_COMPRESSIBLE_TYPES = ("text/", "application/json", "application/javascript", "image/svg+xml")
_MINIMUM_COMPRESSED_BYTES = 1400  # one packet: below it gzip saves nothing that a browser would notice
_BODILESS_STATUSES = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED})

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


def mount_wsgi(
    application: WSGIApplication, *, threads: int = 4, max_body_size_bytes: int = 4 * 1024 * 1024
) -> Handler:
    """Return an aiohttp handler that answers with `application`; route every path that is not the API's to it."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="dashboard")

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await _read_body(request, max_body_size_bytes)
        environ = _build_environ(request, body)
        answer = await asyncio.get_running_loop().run_in_executor(pool, _call, application, environ)
        return _to_response(request, answer)

    return handle


@dataclass
class _Answer:
    """What the application said: its status line, its headers in order and its whole body."""

    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


async def _read_body(request: web.Request, max_body_size_bytes: int) -> bytes:
    """Read at most the limit; the declared length is only a hint, since a chunked body has none."""
    if (request.content_length or 0) > max_body_size_bytes:
        raise web.HTTPRequestEntityTooLarge(max_body_size_bytes, request.content_length or 0)
    chunks = bytearray()
    async for chunk in request.content.iter_any():
        chunks += chunk
        if len(chunks) > max_body_size_bytes:
            raise web.HTTPRequestEntityTooLarge(max_body_size_bytes, len(chunks))
    return bytes(chunks)


def _build_environ(request: web.Request, body: bytes) -> WSGIEnvironment:
    server_name, server_port = _local_address(request)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.rel_url.raw_path).decode("latin-1"),
        "QUERY_STRING": request.rel_url.raw_query_string,
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": server_name,
        "SERVER_PORT": server_port,
        "SERVER_PROTOCOL": f"HTTP/{request.version.major}.{request.version.minor}",
        "REMOTE_ADDR": request.remote or "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        _add_header(environ, name, value)
    return environ


def _add_header(environ: dict[str, Any], name: str, value: str) -> None:
    """Add one request header the way CGI names it; repeated ones are joined as their grammar allows."""
    # "X_Forwarded_For" would become the same key as "X-Forwarded-For", and "Proxy" becomes HTTP_PROXY, which HTTP
    # clients inside the application would obey.
    if "_" in name or name.lower() in {"proxy", "content-length", "transfer-encoding"}:
        return
    # aiohttp decodes header bytes as UTF-8 with surrogates; WSGI wants the same bytes as latin-1.
    text = value.encode("utf-8", "surrogateescape").decode("latin-1")
    key = name.upper().replace("-", "_")
    if key == "CONTENT_TYPE":
        environ.setdefault(key, text)
        return
    key = f"HTTP_{key}"
    separator = "; " if key == "HTTP_COOKIE" else ", "
    environ[key] = f"{environ[key]}{separator}{text}" if key in environ else text


def _local_address(request: web.Request) -> tuple[str, str]:
    """Return the address of our own socket: unlike the Host header, a client cannot make it up."""
    address = request.transport.get_extra_info("sockname") if request.transport is not None else None
    if not isinstance(address, tuple):
        return "localhost", "80"
    host = str(address[0])
    return f"[{host}]" if ":" in host else host, str(address[1])


def _call(application: WSGIApplication, environ: WSGIEnvironment) -> _Answer:
    """Run the application to its end in this thread."""
    answer = _Answer()
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: _ExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        if exc_info is None and answer.status:
            raise RuntimeError("start_response() was called twice without exc_info")
        answer.status, answer.headers = status, headers
        return written.append

    chunks: Iterable[bytes] = application(environ, start_response)
    try:
        written.extend(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    answer.body = b"".join(written)
    return answer


def _to_response(request: web.Request, answer: _Answer) -> web.Response:
    code, _, reason = answer.status.partition(" ")
    status = int(code)
    is_head = request.method == "HEAD"
    response = web.Response(status=status, reason=reason or None)
    response.headers.popall("Content-Type", None)
    for name, value in answer.headers:
        # aiohttp counts the bytes it really sends; only an answer to HEAD has to take the application's word.
        if not is_hop_by_hop(name) and (name.lower() != "content-length" or is_head):
            response.headers.add(name, value.encode("latin-1").decode("utf-8", "surrogateescape"))
    if is_head or status in _BODILESS_STATUSES:
        return response
    response.body = answer.body
    if _is_worth_compressing(response, len(answer.body)):
        response.headers.add("Vary", "Accept-Encoding")
        response.enable_compression()
    return response


def _is_worth_compressing(response: web.Response, size_bytes: int) -> bool:
    if size_bytes < _MINIMUM_COMPRESSED_BYTES or "Content-Encoding" in response.headers:
        return False
    return response.headers.get("Content-Type", "").startswith(_COMPRESSIBLE_TYPES)
