"""`POST /api/v1/sql`, `DELETE /api/v1/sql/{id}` and `GET /api/v1/schema`."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any, Final

from aiohttp import hdrs, web

from quacktrace_collector.api.answers import accepts_gzip, json_answer
from quacktrace_collector.errors import BadRequestError, BodyTooLargeError, QueryCancelledError
from quacktrace_collector.sql import query_routes
from quacktrace_collector.sql.catalogue import describe
from quacktrace_collector.sql.frames import ResultFormat
from quacktrace_collector.sql.pool import SqlPool, SqlResult
from quacktrace_collector.sql.query_routes import QUERY_BOOK

__all__ = ["add_routes"]

_MAX_BODY_BYTES: Final = 1 << 20
DEFAULT_LIMIT: Final = 10_000
MAX_LIMIT: Final = 1_000_000
MAX_STREAM_ROWS: Final = 100_000_000
_LONGEST_ID: Final = 100
_DISCONNECT_CHECK_S: Final = 0.1
DEFAULT_TIMEOUT_S: Final = 3.0
MAX_TIMEOUT_S: Final = 60.0
_CONTENT_TYPES: Final = {form: form.value for form in ResultFormat} | {ResultFormat.CSV: "text/csv; charset=utf-8"}
_EXTENSIONS: Final = {ResultFormat.CSV: "csv", ResultFormat.ARROW: "arrow", ResultFormat.PARQUET: "parquet"}


def add_routes(app: web.Application) -> None:
    """Add the routes; they use the pool at `app_keys.SQL_POOL`."""
    app.router.add_post("/api/v1/sql", _sql)
    app.router.add_get("/api/v1/schema", _schema)
    app.router.add_delete("/api/v1/sql/{query_id}", _cancel)
    query_routes.add_routes(app)


async def _sql(request: web.Request) -> web.StreamResponse:
    body = await _json_object(request)
    query = body.get("query")
    if not isinstance(query, str):
        raise BadRequestError('"query" is missing.', hint='Send {"query": "select count(*) from spans"}.')
    most = MAX_STREAM_ROWS if body.get("stream") is True else MAX_LIMIT
    limit = _number(body, "limit", DEFAULT_LIMIT, 1, most)
    timeout_s = _number(body, "timeout_s", DEFAULT_TIMEOUT_S, 0.001, MAX_TIMEOUT_S)
    form = _result_format(request.headers.get("Accept", ""))
    query_id = body.get("id", "")
    if not isinstance(query_id, str) or len(query_id) > _LONGEST_ID:
        raise BadRequestError(f'"id" is a text of up to {_LONGEST_ID} characters.', hint="Leave it out.")
    streamed = _Streamed(request, form) if body.get("stream") is True else None
    who = request.remote or ""
    book = request.app[QUERY_BOOK]
    with book.asked(query, who=who, via=_via(request), query_id=query_id or uuid.uuid4().hex) as record:
        running = asyncio.ensure_future(
            _pool(request).run(
                query,
                form=form,
                limit=int(limit),
                timeout_s=timeout_s,
                compress=accepts_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")),
                client=f"{who} {record.via}",
                query_id=record.id,
                on_part=streamed.write if streamed else None,
            )
        )
        try:
            result = await _while_connected(request, running)
        except BaseException:
            running.cancel()
            if streamed and streamed.response:
                streamed.abort()
            raise
        record.row_count = result.row_count
    if streamed and streamed.response:
        return await streamed.end(result)
    return _response(result, form)


async def _while_connected(request: web.Request, running: asyncio.Future[SqlResult]) -> SqlResult:
    """The result; nobody's query goes on when the one who asked has left."""
    while True:
        done, _ = await asyncio.wait([running], timeout=_DISCONNECT_CHECK_S)
        if done:
            return running.result()
        if request.transport is None or request.transport.is_closing():
            running.cancel()
            raise QueryCancelledError("The client has left.")


class _Streamed:
    """A response whose status is sent with the first part; what fails after that cuts the connection."""

    def __init__(self, request: web.Request, form: ResultFormat) -> None:
        self._request = request
        self._form = form
        self.response: web.StreamResponse | None = None

    async def write(self, part: bytes, is_gzip: bool) -> None:
        """Send a part, as fast as the client takes it."""
        if self.response is None:
            self.response = web.StreamResponse(headers=_headers(self._form, is_gzip=is_gzip))
            await self.response.prepare(self._request)
        await self.response.write(part)

    async def end(self, result: SqlResult) -> web.StreamResponse:
        """Send the last part."""
        assert self.response is not None
        await self.response.write(result.body)
        await self.response.write_eof()
        return self.response

    def abort(self) -> None:
        """Let the client see that the body is not whole."""
        if self._request.transport is not None:
            self._request.transport.abort()


async def _cancel(request: web.Request) -> web.Response:
    _pool(request).cancel(request.match_info["query_id"])
    return json_answer({"cancelled": request.match_info["query_id"]})


def _via(request: web.Request) -> str:
    """The program: what it calls itself, else what its library does."""
    named = request.headers.get("X-Quacktrace-Client") or request.headers.get(hdrs.USER_AGENT) or ""
    return "".join(character if character.isprintable() else "?" for character in named[:_LONGEST_ID])


async def _schema(request: web.Request) -> web.Response:
    return json_answer(describe(await _pool(request).column_types()))


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


def _headers(form: ResultFormat, *, is_gzip: bool) -> dict[str, str]:
    headers = {
        hdrs.CONTENT_TYPE: _CONTENT_TYPES[form],
        hdrs.CACHE_CONTROL: "no-store",
        hdrs.VARY: f"{hdrs.ACCEPT}, {hdrs.ACCEPT_ENCODING}",
        "X-Content-Type-Options": "nosniff",
    }
    if is_gzip:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    if form in _EXTENSIONS:
        headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="result.{_EXTENSIONS[form]}"'
    return headers


def _response(result: SqlResult, form: ResultFormat) -> web.Response:
    counts = {
        "X-Quacktrace-Row-Count": str(result.row_count),
        "X-Quacktrace-Truncated": str(result.truncated).lower(),
    }
    return web.Response(body=result.body, headers={**_headers(form, is_gzip=result.is_gzip), **counts})
