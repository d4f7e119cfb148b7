"""RED per service and per operation."""

from __future__ import annotations

from typing import Any, Final

from quacktrace_collector.query.red import rates, red
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import format_time
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store

_PERCENTILES: Final = ("p50_ms", "p95_ms", "p99_ms")


def services(store: Store, window: Window) -> list[dict[str, Any]]:
    """Every service with a span in the window, by name; its numbers count entry spans."""
    table = store.query(Query.SERVICES.sql, window.pairing_parameters(), time_range=window.reach)
    return [
        {
            "service_name": row["service_name"],
            **red(row, _PERCENTILES),
            **rates(row, window.seconds),
            "versions": row["versions"] or [],
            "instances": row["instances"] or [],
            "last_seen": format_time(row["last_seen_ns"]),
        }
        for row in table.to_pylist()
    ]


def operations(store: Store, window: Window, *, service: str) -> list[dict[str, Any]]:
    """Every span of the service in the window, grouped by name and kind, most calls first; at most 5,000 groups."""
    table = store.query(Query.OPERATIONS.sql, {**window.parameters(), "service": service}, time_range=window.narrowed)
    return [
        {
            "operation": row["operation"],
            "kind": row["kind"],
            **red(row, _PERCENTILES),
            **rates(row, window.seconds),
        }
        for row in table.to_pylist()
    ]
