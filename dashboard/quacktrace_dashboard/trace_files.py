"""What the trace page asks the dashboard itself: the picture of its map, and the whole trace as one HTML file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import flask
from dash import Dash

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import DashboardError, QueryError
from quacktrace_dashboard.figures.service_map import service_map_picture
from quacktrace_dashboard.trace_html import trace_html

__all__ = ["install_trace_files"]

_TRACE_ID = re.compile(r"[0-9a-fA-F-]{16,80}")


def install_trace_files(app: Dash, client: QueryClient) -> None:
    """Answer `/trace/{trace_id}/map.json` and `/trace/{trace_id}/trace.html`."""

    @app.server.get("/trace/<trace_id>/map.json")
    def trace_map(trace_id: str) -> flask.Response:
        if not _TRACE_ID.fullmatch(trace_id):
            return _refused("not_a_trace_id", "That is not a trace id.", 400)
        try:
            return flask.jsonify(_picture(client, trace_id))
        except DashboardError as error:
            return _failed(error)

    @app.server.get("/trace/<trace_id>/trace.html")
    def trace_file(trace_id: str) -> flask.Response:
        if not _TRACE_ID.fullmatch(trace_id):
            return _refused("not_a_trace_id", "That is not a trace id.", 400)
        path = f"/api/v1/traces/{trace_id}"
        try:
            waterfall = client.get(f"{path}/waterfall")
            document = trace_html(
                waterfall=waterfall,
                otlp=client.get(path),
                logs=client.get("/api/v1/logs", {"trace_id": trace_id, "order": "oldest", "limit": 5000}),
                explanation=_explanation(client, path),
                picture=_picture(client, trace_id),
            )
        except DashboardError as error:
            return _failed(error)
        response = flask.Response(document, mimetype="text/html")
        response.headers["Content-Disposition"] = f'attachment; filename="{waterfall["trace_id"]}.html"'
        response.headers["Cache-Control"] = "no-store"
        return response


def _explanation(client: QueryClient, path: str) -> Mapping[str, Any]:
    """Why the trace was slow; a file without that sentence is a file all the same."""
    try:
        return client.get(f"{path}/explain")
    except DashboardError:
        return {}


def _picture(client: QueryClient, trace_id: str) -> dict[str, Any]:
    return service_map_picture({**client.get(f"/api/v1/traces/{trace_id}/graph"), "seconds": 0})


def _failed(error: DashboardError) -> flask.Response:
    if isinstance(error, QueryError):
        return _refused(error.code, error.message, error.status, hint=error.hint)
    return _refused("collector_unreachable", error.message, 503)


def _refused(code: str, message: str, status: int, *, hint: str = "") -> flask.Response:
    body = json.dumps({"error": {"code": code, "message": message, "hint": hint}})
    return flask.Response(body, status=status, mimetype="application/json")
