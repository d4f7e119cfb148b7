"""An engine in this process that answers over a real store, and a small shop to ask about."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from quacktrace_collector.sql.engine import Engine
from quacktrace_collector.sql.frames import ResultFormat
from quacktrace_collector.sql.snapshot_frame import snapshot_header

from .conftest import SpanRow, SpanStore

Ask = Callable[[str], list[list[Any]]]


def asking(span_store: SpanStore) -> Ask:
    """Rows of a statement over everything the store has now."""
    engine = Engine(span_store.store.sealed_dir, memory_limit_bytes=256 << 20, threads=1)

    def rows(sql: str) -> list[list[Any]]:
        with span_store.store.snapshot() as snapshot:
            engine.refresh(json.loads(json.dumps(snapshot_header(snapshot))))
            result = engine.run(sql, form=ResultFormat.JSON, limit=1_000, max_bytes=1 << 24)
        decoded: list[list[Any]] = json.loads(result.body)["rows"]
        return decoded

    return rows


def shop() -> list[SpanRow]:
    """A page that asks the cart, which asks a database and fails; mail follows by a link and has lost its parent."""
    return [
        SpanRow(1, 1, None, "web", "GET /", "SERVER", 0, 100, "ERROR"),
        SpanRow(
            1, 2, 1, "web", "GET", "CLIENT", 10, 60, "ERROR", attributes={"server.address": "cart", "server.port": 80}
        ),
        SpanRow(1, 3, 2, "cart", "GET /cart", "SERVER", 15, 50, "ERROR"),
        SpanRow(
            1,
            4,
            3,
            "cart",
            "select",
            "CLIENT",
            20,
            40,
            "ERROR",
            attributes={"db.system.name": "postgresql", "server.address": "db-0", "db.namespace": "orders"},
            events=[("exception", 30, {"exception.type": "Locked", "exception.message": "row 17 is locked"})],
        ),
        SpanRow(1, 5, 3, "cart", "price", "INTERNAL", 60, 5),
        SpanRow(2, 6, 99, "mail", "send", "CONSUMER", 200, 10, links=[(1, 3)]),
    ]
