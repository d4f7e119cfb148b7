"""`POST /api/v1/sql`, `GET /api/v1/schema` and `GET /api/v1/panels/{panel}`."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from aiohttp import hdrs, web

from quacktrace_collector.api import parameters
from quacktrace_collector.api.answers import accepts_gzip, json_answer
from quacktrace_collector.errors import BadRequestError, BodyTooLargeError, NotFoundError
from quacktrace_collector.query.window import Window
from quacktrace_collector.sql.catalogue import describe
from quacktrace_collector.sql.frames import ResultFormat
from quacktrace_collector.sql.pool import SqlPool, SqlResult

__all__ = ["add_routes"]

_MAX_BODY_BYTES: Final = 1 << 20
DEFAULT_LIMIT: Final = 10_000
MAX_LIMIT: Final = 1_000_000
DEFAULT_TIMEOUT_S: Final = 3.0
MAX_TIMEOUT_S: Final = 60.0
_CONTENT_TYPES: Final = {form: form.value for form in ResultFormat} | {ResultFormat.CSV: "text/csv; charset=utf-8"}
_EXTENSIONS: Final = {ResultFormat.CSV: "csv", ResultFormat.ARROW: "arrow", ResultFormat.PARQUET: "parquet"}


def add_routes(app: web.Application) -> None:
    """Add the routes; they use the pool at `app_keys.SQL_POOL`."""
    app.router.add_post("/api/v1/sql", _sql)
    app.router.add_get("/api/v1/schema", _schema)
    app.router.add_get("/api/v1/panels/{panel}", _panel)


async def _sql(request: web.Request) -> web.Response:
    body = await _json_object(request)
    query = body.get("query")
    if not isinstance(query, str):
        raise BadRequestError('"query" is missing.', hint='Send {"query": "select count(*) from spans"}.')
    limit = _number(body, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    timeout_s = _number(body, "timeout_s", DEFAULT_TIMEOUT_S, 0.001, MAX_TIMEOUT_S)
    form = _result_format(request.headers.get("Accept", ""))
    compress = accepts_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
    result = await _pool(request).run(query, form=form, limit=int(limit), timeout_s=timeout_s, compress=compress)
    return _response(result, form)


async def _schema(request: web.Request) -> web.Response:
    return json_answer(describe(await _pool(request).column_types()))


async def _panel(request: web.Request) -> web.Response:
    from quacktrace_collector.app_keys import STORE
    from quacktrace_collector.sql.panels import PANELS, PanelRequest

    panel = request.match_info["panel"]
    if panel not in PANELS:
        raise NotFoundError(f"There is no panel {panel[:60]!r}.", hint=f"Panels: {', '.join(PANELS)}.")
    asked = parameters.time_range(request.query)
    extent = await asyncio.to_thread(request.app[STORE].data_range, "logs" if panel == "logs" else "spans")
    sql = PANELS[panel](PanelRequest(request.query, Window(asked.from_ns, asked.to_ns, extent)))
    return json_answer({"panel": panel, "sql": sql})


def _pool(request: web.Request) -> SqlPool:
    # app_keys imports the pool's module, this one imports app_keys: at call time, both exist.
    from quacktrace_collector.app_keys import SQL_POOL

    return request.app[SQL_POOL]


async def _json_object(request: web.Request) -> dict[str, Any]:
    try:
        text = await request.content.read(_MAX_BODY_BYTES + 1) if request.can_read_body else b""
        while len(text) <= _MAX_BODY_BYTES and not request.content.at_eof():
            text += await request.content.read(_MAX_BODY_BYTES + 1 - len(text))
        if len(text) > _MAX_BODY_BYTES:
            raise BodyTooLargeError("A query's body may have 1 MiB.", hint="Send a shorter query.")
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(
            f"The body is not JSON: {error}", hint='Send {"query": "select count(*) from spans"}.'
        ) from error
    if not isinstance(body, dict):
        raise BadRequestError("The body is not a JSON object.", hint='Send {"query": "select count(*) from spans"}.')
    return body


def _number(body: dict[str, Any], name: str, default: float, lowest: float, highest: float) -> float:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        raise BadRequestError(
            f'"{name}" is a number from {lowest:g} to {highest:g}.', hint=f"Leave it out for {default:g}."
        )
    return value


def _result_format(accept: str) -> ResultFormat:
    """The first form that the header names; JSON for none, as no client should fail over a header."""
    for part in accept.split(","):
        media_type = part.partition(";")[0].strip().lower()
        if media_type in _CONTENT_TYPES:
            return ResultFormat(media_type)
    return ResultFormat.JSON


def _response(result: SqlResult, form: ResultFormat) -> web.Response:
    response = web.Response(
        body=result.body,
        headers={
            hdrs.CONTENT_TYPE: _CONTENT_TYPES[form],
            hdrs.CACHE_CONTROL: "no-store",
            hdrs.VARY: f"{hdrs.ACCEPT}, {hdrs.ACCEPT_ENCODING}",
            "X-Content-Type-Options": "nosniff",
            "X-Quacktrace-Row-Count": str(result.row_count),
            "X-Quacktrace-Truncated": str(result.truncated).lower(),
        },
    )
    if result.is_gzip:
        response.headers[hdrs.CONTENT_ENCODING] = "gzip"
    if form in _EXTENSIONS:
        response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="result.{_EXTENSIONS[form]}"'
    return response
