"""The shop's databases and its queue: real SQLite files."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from quacktrace_demo.chassis.database import Database, connect, write_transaction
from quacktrace_demo.chassis.queue import Queue
from quacktrace_demo.opening import open_shop
from quacktrace_demo.services.queries import LOYAL_CUSTOMERS, LOYAL_CUSTOMERS_WITHOUT_INDEX, load_schema

TABLES = {
    "user": "select * from user",
    "order": "select id, tenant, user_id, total_cents from orders",
    "inventory": "select * from item",
}


def ask(path: Path, query: str, *parameters: Any) -> list[Any]:
    with closing(connect(path)) as connection:
        return connection.execute(query, parameters).fetchall()


def dump(shop: Path) -> dict[str, list[Any]]:
    return {name: ask(shop / f"{name}.db", query) for name, query in TABLES.items()}


@pytest.fixture
def pond(tmp_path: Path) -> Iterator[Database]:
    ask(tmp_path / "pond.db", "create table pond (ducks integer)")
    with closing(Database(tmp_path / "pond.db")) as database:
        yield database


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    with closing(connect(tmp_path / "queue.db")) as connection:
        connection.executescript(load_schema("queue"))
    with closing(Queue(tmp_path / "queue.db", "emails")) as queue:
        yield queue


def test_a_shop_is_the_same_for_the_same_seed_and_another_for_another(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        open_shop(tmp_path / folder, seed)
    assert dump(tmp_path / "a") == dump(tmp_path / "b")
    assert dump(tmp_path / "a") != dump(tmp_path / "c")


def test_the_query_without_its_index_scans_and_answers_the_same(tmp_path: Path) -> None:
    open_shop(tmp_path, 1)
    path = tmp_path / "order.db"
    assert ask(path, LOYAL_CUSTOMERS, "acme") == ask(path, LOYAL_CUSTOMERS_WITHOUT_INDEX, "acme")
    plan = ask(path, f"explain query plan {LOYAL_CUSTOMERS_WITHOUT_INDEX}", "acme")
    assert not any("USING" in row["detail"] and "INDEX" in row["detail"] for row in plan)


async def test_a_write_transaction_that_raises_leaves_nothing(pond: Database) -> None:
    def work(cursor: sqlite3.Cursor) -> None:
        cursor.execute("insert into pond values (3)")
        raise ValueError("a fox")

    with pytest.raises(ValueError, match="a fox"):
        await pond.run(work)
    assert await pond.all("select * from pond") == []


async def test_a_writer_waits_for_another_connections_lock_and_then_fails(pond: Database, tmp_path: Path) -> None:
    with (
        closing(connect(tmp_path / "pond.db")) as other,
        write_transaction(other),
        pytest.raises(sqlite3.OperationalError, match="database is locked"),
    ):
        await pond.execute("insert into pond values (1)")
    await pond.execute("insert into pond values (1)")
    assert await pond.all("select * from pond") == [{"ducks": 1}]


async def take(queue: Queue, count: int, *, failing: int = 0) -> list[Any]:
    """The first `count` messages that `queue` hands out; the first `failing` of them are refused."""
    taken: list[Any] = []
    is_done = asyncio.Event()

    async def handle(message: Mapping[str, Any]) -> None:
        taken.append(message)
        if len(taken) == count:
            is_done.set()
        if len(taken) <= failing:
            raise ValueError("a fox")

    consumer = asyncio.ensure_future(queue.consume(handle))
    await asyncio.wait_for(is_done.wait(), 20)
    consumer.cancel()
    await asyncio.gather(consumer, return_exceptions=True)
    return taken


async def test_messages_arrive_in_order_and_survive_their_producer(queue: Queue, tmp_path: Path) -> None:
    with closing(Queue(tmp_path / "queue.db", "emails")) as producer:
        for number in range(5):
            await producer.send({"number": number})
    assert [message["number"] for message in await take(queue, 5)] == [0, 1, 2, 3, 4]


async def test_a_message_whose_handler_fails_is_kept_and_does_not_stop_the_others(queue: Queue, tmp_path: Path) -> None:
    for number in range(3):
        await queue.send({"number": number})
    await take(queue, 3, failing=1)
    kept = ask(tmp_path / "queue.db", "select body from message order by sent_at")
    assert {"body": '{"number": 0}'} in kept
