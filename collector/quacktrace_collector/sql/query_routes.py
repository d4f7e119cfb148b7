"""What stands around queries: those that were asked and kept, the SQL behind panels, values to complete with."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web

from quacktrace_collector.api import parameters
from quacktrace_collector.api.answers import json_answer
from quacktrace_collector.errors import BadRequestError, NotFoundError
from quacktrace_collector.query.window import Window
from quacktrace_collector.sql.known_values import KnownValues
from quacktrace_collector.sql.query_book import QueryBook

__all__ = ["QUERY_BOOK", "add_routes"]

QUERY_BOOK: Final = web.AppKey("query_book", QueryBook)
_KNOWN_VALUES: Final = web.AppKey("known_values", KnownValues)
_FOLDER: Final = "queries"
_MAX_BODY_BYTES: Final = 1 << 20


def add_routes(app: web.Application) -> None:
    """Add the routes; the book lies in the data folder that `app_keys.SETTINGS` names, in memory without one."""
    from quacktrace_collector.app_keys import SETTINGS, SQL_POOL

    app[QUERY_BOOK] = QueryBook(app[SETTINGS].data_dir / _FOLDER if SETTINGS in app else None)
    app[_KNOWN_VALUES] = KnownValues(app[SQL_POOL])
    app.router.add_get("/api/v1/queries", _queries)
    app.router.add_post("/api/v1/queries", _save)
    app.router.add_put("/api/v1/queries/{query_id}", _save)
    app.router.add_delete("/api/v1/queries/{query_id}", _delete)
    app.router.add_get("/api/v1/queries/log", _log)
    app.router.add_get("/api/v1/schema/values", _values)
    app.router.add_get("/api/v1/panels/{panel}", _panel)


async def _queries(request: web.Request) -> web.Response:
    return json_answer({"queries": [asdict(query) for query in request.app[QUERY_BOOK].saved()]})


async def _save(request: web.Request) -> web.Response:
    body = await _json_object(request)
    title, query = body.get("title"), body.get("query")
    if not isinstance(title, str) or not isinstance(query, str):
        raise BadRequestError("A saved query has a title and a text.", hint='Send {"title": "…", "query": "…"}.')
    # On the loop: a save is rare and small, and nothing else may change the file meanwhile.
    saved = request.app[QUERY_BOOK].save(title, query, query_id=request.match_info.get("query_id"))
    return json_answer(asdict(saved), status=200 if "query_id" in request.match_info else 201)


async def _delete(request: web.Request) -> web.Response:
    request.app[QUERY_BOOK].delete(request.match_info["query_id"])
    return json_answer({"deleted": request.match_info["query_id"]})


async def _log(request: web.Request) -> web.Response:
    limit = parameters.integer(request.query, "limit", default=100, most=2_000)
    records = request.app[QUERY_BOOK].records(limit=limit, via=parameters.text(request.query, "via"))
    return json_answer({"queries": [record.answer() for record in records]})


async def _values(request: web.Request) -> web.Response:
    return json_answer(await request.app[_KNOWN_VALUES].get())


async def _panel(request: web.Request) -> web.Response:
    from quacktrace_collector.app_keys import STORE
    from quacktrace_collector.sql.panel_request import PanelRequest
    from quacktrace_collector.sql.panels import PANELS

    panel = request.match_info["panel"]
    if panel not in PANELS:
        raise NotFoundError(f"There is no panel {panel[:60]!r}.", hint=f"Panels: {', '.join(PANELS)}.")
    asked = parameters.time_range(request.query)
    extent = await asyncio.to_thread(request.app[STORE].data_range, "logs" if panel == "logs" else "spans")
    sql = PANELS[panel](PanelRequest(request.query, Window(asked.from_ns, asked.to_ns, extent)))
    return json_answer({"panel": panel, "sql": sql})


async def _json_object(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json() if (request.content_length or 0) <= _MAX_BODY_BYTES else None
    except (ValueError, RecursionError) as error:
        raise BadRequestError("The body is not JSON.", hint='Send {"title": "…", "query": "…"}.') from error
    if not isinstance(body, dict):
        raise BadRequestError("The body is not a JSON object.", hint='Send {"title": "…", "query": "…"}.')
    return body
