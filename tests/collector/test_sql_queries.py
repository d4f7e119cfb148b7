"""Whose turn it is, what is logged and kept of queries, and how they are streamed and stopped."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from quacktrace_collector.api.error_middleware import error_middleware
from quacktrace_collector.app_keys import SQL_POOL
from quacktrace_collector.errors import NotFoundError, QueryTimeoutError
from quacktrace_collector.sql.pool import SqlPool
from quacktrace_collector.sql.query_book import QueryBook
from quacktrace_collector.sql.routes import add_routes
from quacktrace_collector.sql.turns import Turns

from .conftest import SpanRow, SpanStore

ENDLESS = "select count(*) from range(1000000000000) a, range(1000000) b"


async def test_client_with_fewest_running_is_next() -> None:
    turns, order = Turns(2), list[str]()

    async def query(client: str) -> None:
        await turns.take(client)
        order.append(client)

    await turns.take("many")
    await turns.take("many")
    waiting = [asyncio.create_task(query(client)) for client in ("many", "many", "one", "other")]
    await asyncio.sleep(0)
    for ended in ("many", "one", "other", "many"):
        turns.release(ended)
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order == ["one", "other", "many", "many"]


async def test_slow_queries_leave_one_turn_to_the_others() -> None:
    turns = Turns(2)
    await turns.take("a", is_slow=True)
    slow = asyncio.create_task(turns.take("b", is_slow=True))
    await asyncio.sleep(0)
    await turns.take("c")
    turns.release("c")
    await asyncio.sleep(0)
    assert not slow.done()
    turns.release("a", is_slow=True)
    await slow


async def test_turn_of_one_that_gives_up_goes_to_the_next() -> None:
    turns = Turns(1)
    await turns.take("a")
    gone, patient = asyncio.create_task(turns.take("b")), asyncio.create_task(turns.take("c"))
    await asyncio.sleep(0)
    gone.cancel()
    turns.release("a")
    await patient


def test_book_survives_a_restart(tmp_path: Path) -> None:
    book = QueryBook(tmp_path / "queries")
    with book.asked("select 1", who="127.0.0.1", via="sql page", query_id="a") as record:
        record.row_count = 1
    with pytest.raises(QueryTimeoutError), book.asked("select 2", who="::1", via="curl", query_id="b"):
        raise QueryTimeoutError("too long")
    kept = book.save(" Slow  ones ", "select 3")
    book.delete(book.save("gone", "select 4").id)
    book = QueryBook(tmp_path / "queries")
    assert [(one.query, one.outcome, one.row_count) for one in book.records(limit=9)] == [
        ("select 2", "query_timeout", None),
        ("select 1", "ok", 1),
    ]
    assert [one.query for one in book.records(limit=9, via="sql page")] == ["select 1"]
    assert book.saved() == [kept]
    assert kept.title == "Slow ones"
    assert book.save("Slower", "select 5", query_id=kept.id).id == kept.id
    with pytest.raises(NotFoundError):
        book.save("Slower", "select 5", query_id="nobody")


def test_damaged_book_is_put_aside_and_cut_lines_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "saved.json").write_text('[{"id": ')
    (tmp_path / "log.jsonl").write_text('{"query": "select 1", "who": "", "via": "", "id": "a"}\n{"query": "sel')
    book = QueryBook(tmp_path)
    assert book.saved() == []
    assert [one.query for one in book.records(limit=9)] == ["select 1"]
    assert (tmp_path / "saved.damaged").read_text() == '[{"id": '


@pytest.fixture
async def client(span_store: SpanStore) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application(middlewares=[error_middleware])
    app[SQL_POOL] = SqlPool(span_store.store)
    add_routes(app)
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client
    await app[SQL_POOL].close()


async def test_large_result_is_streamed_in_every_form(client: TestClient[Any, Any]) -> None:
    query = {
        "query": "select i, repeat('x', 100) as t from range(60000) t(i)",
        "limit": 60_000,
        "timeout_s": 60,
        "stream": True,
    }
    bodies = {}
    for accept in ("application/json", "text/csv", "application/vnd.apache.arrow.stream"):
        answer = await client.post("/api/v1/sql", json=query, headers={"Accept": accept, "Accept-Encoding": "gzip"})
        assert answer.status == 200
        assert "Content-Length" not in answer.headers
        bodies[accept] = gzip.decompress(await answer.read())
    assert json.loads(bodies["application/json"])["row_count"] == 60_000
    assert bodies["text/csv"].count(b"\n") == 60_001
    with pa.ipc.open_stream(bodies["application/vnd.apache.arrow.stream"]) as reader:
        assert len(reader.read_all()) == 60_000


async def test_stream_that_fails_midway_is_cut(client: TestClient[Any, Any]) -> None:
    query = "select if(i < 50000, repeat('x', 100), error('late')) as t from range(60000) t(i)"
    answer = await client.post("/api/v1/sql", json={"query": query, "limit": 60_000, "timeout_s": 60, "stream": True})
    if answer.status == 200:
        with pytest.raises(Exception, match=r".*"):  # whatever the client library makes of a body that ends too early
            json.loads(await answer.read())
    else:
        assert answer.status == 400


async def test_running_query_can_be_stopped_by_its_id(client: TestClient[Any, Any]) -> None:
    query = asyncio.create_task(client.post("/api/v1/sql", json={"query": ENDLESS, "timeout_s": 60, "id": "mine"}))
    for _ in range(6000):
        if (await client.delete("/api/v1/sql/mine")).status == 200:
            break
        await asyncio.sleep(0.01)
    answer = await query
    assert (answer.status, (await answer.json())["error"]["code"]) == (409, "query_cancelled")
    assert (await client.delete("/api/v1/sql/mine")).status == 404
    log = await (await client.get("/api/v1/queries/log")).json()
    assert [(one["query"], one["outcome"]) for one in log["queries"]] == [(ENDLESS, "query_cancelled")]


async def test_query_of_a_client_that_left_is_stopped(client: TestClient[Any, Any]) -> None:
    query = asyncio.create_task(client.post("/api/v1/sql", json={"query": ENDLESS, "timeout_s": 60}))
    for _ in range(6000):
        log = await (await client.get("/api/v1/queries/log")).json()
        if log["queries"]:
            break
        await asyncio.sleep(0.01)
    query.cancel()
    for _ in range(6000):
        log = await (await client.get("/api/v1/queries/log")).json()
        if log["queries"][0]["outcome"] != "running":
            break
        await asyncio.sleep(0.01)
    assert log["queries"][0]["outcome"].endswith("cancelled")


async def test_queries_are_kept_over_http(client: TestClient[Any, Any]) -> None:
    kept = await (await client.post("/api/v1/queries", json={"title": "One", "query": "select 1"})).json()
    await client.put(f"/api/v1/queries/{kept['id']}", json={"title": "Two", "query": "select 2"})
    assert [one["title"] for one in (await (await client.get("/api/v1/queries")).json())["queries"]] == ["Two"]
    assert (await client.delete(f"/api/v1/queries/{kept['id']}")).status == 200
    assert (await client.delete(f"/api/v1/queries/{kept['id']}")).status == 404
    for wrong in ({}, {"title": "", "query": "x"}, {"title": "x", "query": " "}, []):
        assert (await client.post("/api/v1/queries", json=wrong)).status == 400


async def test_values_to_complete_with_are_learned(client: TestClient[Any, Any], span_store: SpanStore) -> None:
    span_store.add(
        SpanRow(1, 1, service="cart", attributes={"shop.tier": "gold"}),
        SpanRow(1, 2, service="cart", attributes={"shop.tier": "gold"}),
        SpanRow(1, 3, service="mail", attributes={"shop.tier": "it's"}),
    )
    known = await (await client.get("/api/v1/schema/values")).json()
    assert known["columns"]["service_name"] == ["cart", "mail"]
    assert known["attributes"] == [{"key": "shop.tier", "spans": 3, "values": ["gold", "it's"]}]
