"""Searches that people keep under a title: the query string of the Traces page, in the data folder."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from quacktrace_collector.api.answers import json_answer
from quacktrace_collector.app_keys import SETTINGS
from quacktrace_collector.errors import BadRequestError
from quacktrace_collector.sql.query_book import QueryBook, SavedQuery

_BOOK: Final = web.AppKey("search_book", QueryBook)
_FOLDER: Final = "searches"
_LONGEST_BODY: Final = 16 * 1024
_HINT: Final = 'send {"title": "…", "query": "q=status+%3D+error&r=6h"}'


def add_saved_searches(app: web.Application) -> None:
    """Register the routes; without a data folder searches are kept until the process ends."""
    app[_BOOK] = QueryBook(app[SETTINGS].data_dir / _FOLDER if SETTINGS in app else None)
    app.add_routes(
        [
            web.get("/api/v1/searches", _list),
            web.post("/api/v1/searches", _save),
            web.put("/api/v1/searches/{search_id}", _save),
            web.delete("/api/v1/searches/{search_id}", _delete),
        ]
    )


async def _list(request: web.Request) -> web.Response:
    return json_answer({"searches": [_answer(search) for search in request.app[_BOOK].saved()]})


async def _save(request: web.Request) -> web.Response:
    body = await _json_object(request)
    title, query = body.get("title"), body.get("query")
    if not isinstance(title, str) or not isinstance(query, str):
        raise BadRequestError("a saved search has a title and a query", hint=_HINT)
    search_id = request.match_info.get("search_id")
    # On the loop: a save is rare and small, and nothing else may change the file meanwhile.
    saved = request.app[_BOOK].save(title, query.removeprefix("?"), query_id=search_id)
    return json_answer(_answer(saved), status=201 if search_id is None else 200)


async def _delete(request: web.Request) -> web.Response:
    search_id = request.match_info["search_id"]
    request.app[_BOOK].delete(search_id)
    return json_answer({"deleted": search_id})


def _answer(saved: SavedQuery) -> dict[str, str]:
    return {"id": saved.id, "title": saved.title, "query": saved.query, "saved_at": saved.saved_at}


async def _json_object(request: web.Request) -> dict[str, Any]:
    if (request.content_length or 0) > _LONGEST_BODY:
        raise BadRequestError(f"a saved search is at most {_LONGEST_BODY:,} bytes", hint=_HINT)
    try:
        body = await request.json()
    except (ValueError, RecursionError) as error:
        raise BadRequestError("the body is not JSON", hint=_HINT) from error
    if not isinstance(body, dict):
        raise BadRequestError("the body is not a JSON object", hint=_HINT)
    return body
