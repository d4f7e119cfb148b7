"""A service's own SQLite file, asked from threads so that the event loop never waits for it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["Database", "Row", "connect", "write_transaction"]

Row = dict[str, Any]
T = TypeVar("T")

BUSY_TIMEOUT_S = 1.5
"""How long a statement waits for another connection's lock before `database is locked`."""


class Database:
    """One connection a thread. Statements go through cursors: only those are traced by the stock instrumentation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.local()
        self._connections: list[sqlite3.Connection] = []

    async def all(self, query: str, *parameters: Any) -> list[Row]:
        """Every row of `query`."""
        return await asyncio.to_thread(self._all, query, parameters)

    async def one(self, query: str, *parameters: Any) -> Row | None:
        """The first row of `query`, if there is one."""
        rows = await self.all(query, *parameters)
        return rows[0] if rows else None

    async def execute(self, statement: str, *parameters: Any) -> None:
        """Run one statement, committed at once."""
        await asyncio.to_thread(self._all, statement, parameters)

    async def run(self, work: Callable[[sqlite3.Cursor], T]) -> T:
        """Run `work` in one write transaction, rolled back if it raises."""
        return await asyncio.to_thread(self._run, work)

    def close(self) -> None:
        """Close every thread's connection; no statement may be running."""
        while self._connections:
            self._connections.pop().close()

    def _run(self, work: Callable[[sqlite3.Cursor], T]) -> T:
        with write_transaction(self._connection()) as cursor:
            return work(cursor)

    def _all(self, query: str, parameters: tuple[Any, ...]) -> list[Row]:
        cursor = self._connection().cursor()
        try:
            return list(cursor.execute(query, parameters))
        finally:
            cursor.close()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = self._threads.connection = connect(self._path)
            self._connections.append(connection)
        return connection


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode with a write-ahead log, whose rows are dicts."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    connection.row_factory = _as_dict
    return connection


@contextmanager
def write_transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Cursor]:
    """A cursor that holds the write lock from the start, so that waiting for it is visible as a span of its own."""
    cursor = connection.cursor()
    try:
        cursor.execute("begin immediate")
        try:
            yield cursor
        except BaseException:
            cursor.execute("rollback")
            raise
        cursor.execute("commit")
    finally:
        cursor.close()


def _as_dict(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}
