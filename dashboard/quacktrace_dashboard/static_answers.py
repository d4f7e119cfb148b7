"""Files that never change while we run are compressed once and kept: else every first visit compresses megabytes."""

from __future__ import annotations

import gzip
import threading

import flask
from dash import Dash

__all__ = ["install_static_answers"]

_FOLDERS = ("/_dash-component-suites/", "/assets/all-")
_TYPES = ("text/javascript", "application/javascript", "text/css")
_MAX_KEPT_BYTES = 8 * 1024 * 1024
_LEVEL = 6


def install_static_answers(app: Dash) -> None:
    """Answer scripts and styles from memory from their second visit on, as gzip, with the headers of their first."""
    kept: dict[str, tuple[bytes, str, dict[str, str]]] = {}
    lock = threading.Lock()

    @app.server.before_request
    def answer_from_memory() -> flask.Response | None:
        found = kept.get(flask.request.full_path)
        if found is None or not _wants_gzip() or flask.request.method != "GET":
            return None
        body, mimetype, headers = found
        if "ETag" in headers and headers["ETag"] in flask.request.headers.get("If-None-Match", ""):
            return flask.Response(status=304, headers=headers)
        return flask.Response(body, mimetype=mimetype, headers={**headers, "Content-Encoding": "gzip"})

    @app.server.after_request
    def keep(response: flask.Response) -> flask.Response:
        path = flask.request.full_path
        is_file = response.status_code == 200 and flask.request.path.startswith(_FOLDERS) and _wants_gzip()
        if not is_file or "Content-Encoding" in response.headers or response.mimetype not in _TYPES:
            return response
        response.direct_passthrough = False
        body = gzip.compress(response.get_data(), _LEVEL, mtime=0)
        headers = {name: response.headers[name] for name in ("Cache-Control", "ETag") if name in response.headers}
        headers["Vary"] = "Accept-Encoding"
        with lock:
            if sum(len(one) for one, _, _ in kept.values()) + len(body) <= _MAX_KEPT_BYTES:
                kept[path] = (body, response.mimetype, headers)
        response.set_data(body)
        response.headers.update({**headers, "Content-Encoding": "gzip"})
        return response


def _wants_gzip() -> bool:
    return "gzip" in flask.request.headers.get("Accept-Encoding", "")
