"""`POST /api/v1/sql` and `GET /api/v1/schema` over real HTTP: forms, refusals, and never a 5xx."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pyarrow as pa
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from quacktrace_collector.api.error_middleware import error_middleware
from quacktrace_collector.app_keys import SQL_POOL
from quacktrace_collector.sql.catalogue import EXAMPLES, TABLES
from quacktrace_collector.sql.pool import SqlPool
from quacktrace_collector.sql.routes import add_routes

from .conftest import SpanRow, SpanStore


@pytest.fixture
async def client(span_store: SpanStore) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application(middlewares=[error_middleware])
    app[SQL_POOL] = SqlPool(span_store.store)
    add_routes(app)
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client
    await app[SQL_POOL].close()


async def test_json_answer_has_columns_rows_and_counts(client: TestClient[Any, Any], span_store: SpanStore) -> None:
    span_store.add(SpanRow(1, 1, service="cart"))
    answer = await client.post("/api/v1/sql", json={"query": "select service_name from spans", "timeout_s": 60})
    body = await answer.json()
    assert answer.status == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert body.pop("elapsed_ms") > 0
    assert body == {
        "columns": [{"name": "service_name", "type": "VARCHAR"}],
        "rows": [["cart"]],
        "row_count": 1,
        "truncated": False,
    }


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html, application/json;q=0.9", "application/json"),
        ("text/csv", "text/csv"),
        ("application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
        ("application/vnd.apache.parquet; q=1", "application/vnd.apache.parquet"),
    ],
)
async def test_form_follows_accept(client: TestClient[Any, Any], accept: str, content_type: str) -> None:
    answer = await client.post(
        "/api/v1/sql", json={"query": "select 1 as x", "timeout_s": 60}, headers={"Accept": accept}
    )
    assert (answer.status, answer.content_type) == (200, content_type)
    assert answer.headers["X-Quacktrace-Row-Count"] == "1"


async def test_large_answer_is_compressed_for_who_takes_it(client: TestClient[Any, Any]) -> None:
    query = {"query": "select i from range(5000) t(i)", "timeout_s": 60}
    plain = await client.post("/api/v1/sql", json=query, headers={"Accept-Encoding": "identity"})
    packed = await client.post("/api/v1/sql", json=query, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(await packed.read()))["rows"] == (await plain.json())["rows"]


async def test_limit_truncates_and_says_so(client: TestClient[Any, Any]) -> None:
    answer = await client.post(
        "/api/v1/sql",
        json={"query": "select i from range(100) t(i)", "limit": 7, "timeout_s": 60},
        headers={"Accept": "application/vnd.apache.arrow.stream"},
    )
    assert answer.headers["X-Quacktrace-Truncated"] == "true"
    with pa.ipc.open_stream(await answer.read()) as reader:
        assert len(reader.read_all()) == 7


WRONG: list[tuple[bytes, int, str]] = [
    (b"", 400, "bad_request"),
    (b"not json", 400, "bad_request"),
    (b"[" * 100_000, 400, "bad_request"),
    (b"\xff\xfe", 400, "bad_request"),
    (b"[]", 400, "bad_request"),
    (b"{}", 400, "bad_request"),
    (b'{"query": 7}', 400, "bad_request"),
    (b'{"query": "select 1", "limit": 0}', 400, "bad_request"),
    (b'{"query": "select 1", "limit": "7"}', 400, "bad_request"),
    (b'{"query": "select 1", "timeout_s": 1e9}', 400, "bad_request"),
    (b'{"query": "select 1", "timeout_s": NaN}', 400, "bad_request"),
    (b'{"query": "", "timeout_s": 60}', 400, "query_refused"),
    (b'{"query": "drop view spans", "timeout_s": 60}', 400, "query_refused"),
    (b'{"query": "select \\ud800", "timeout_s": 60}', 400, "query_refused"),
    (b'{"query": "select \\u0000", "timeout_s": 60}', 400, "query_refused"),
    (b'{"query": "select 1/0 + nope", "timeout_s": 60}', 400, "query_refused"),
    (b'{"query": "select error(\'mine\')", "timeout_s": 60}', 400, "query_refused"),
    (b'{"query": "' + b"x" * (1 << 20) + b'"}', 413, "too_large"),
    (b'{"query": "select repeat(\'x\', 2000000000)", "timeout_s": 60}', 413, "query_too_large"),
    (b'{"query": "select count(*) from range(1000000000000)", "timeout_s": 0.2}', 408, "query_timeout"),
]


async def test_whatever_is_wrong_has_its_status(client: TestClient[Any, Any]) -> None:
    for body, status, code in WRONG:
        answer = await client.post("/api/v1/sql", data=io.BytesIO(body))
        error = (await answer.json())["error"]
        assert (answer.status, error["code"]) == (status, code), (body[:100], error)
        assert error["message"]


async def test_refusal_has_message_position_and_hint(client: TestClient[Any, Any]) -> None:
    answer = await client.post("/api/v1/sql", json={"query": "select 'é', count(*) from span", "timeout_s": 60})
    assert answer.status == 400
    assert (await answer.json())["error"] == {
        "code": "query_refused",
        "message": 'Table "span" does not exist.',
        "hint": 'Did you mean "spans"?',
        "position": 26,
    }


async def test_schema_describes_every_table_with_types(client: TestClient[Any, Any]) -> None:
    schema = await (await client.get("/api/v1/schema")).json()
    assert [table["name"] for table in schema["tables"]] == list(TABLES)
    columns = {(table["name"], column["name"]): column for table in schema["tables"] for column in table["columns"]}
    assert all(column["type"] and column["description"] for column in columns.values())
    assert columns["spans", "start_time"]["type"] == "TIMESTAMP_NS"
    assert columns["spans", "attributes"]["type"] == "MAP(VARCHAR, VARCHAR)"
    assert {macro["name"] for macro in schema["macros"]} >= {"trace", "self_time", "compare"}
    assert len(schema["examples"]) == len(EXAMPLES)
