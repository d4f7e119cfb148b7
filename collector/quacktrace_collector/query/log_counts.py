"""How many log records there were over time, by severity."""

from __future__ import annotations

from typing import Any

from quacktrace_collector.query.buckets import buckets
from quacktrace_collector.query.logs import LogFilter, log_conditions
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store


def log_counts(store: Store, window: Window, wanted: LogFilter, *, most_buckets: int) -> dict[str, Any]:
    """The answer of `/logs/counts`, without its range."""
    cut = buckets(window, most=most_buckets)
    conditions = log_conditions(wanted)
    narrowed = window.narrowed
    table = store.query(
        Query.LOG_COUNTS.sql.replace("{matching}", conditions.sql),
        {
            **window.parameters(),
            "origin_ns": cut.origin_ns,
            "bucket_ns": cut.length_ns,
            **conditions.parameters,
        },
        time_range=narrowed,
    )
    counts = {severity: [0] * cut.count for severity in ("error", "warn", "other")}
    for row in table.to_pylist():
        counts[row["severity"]][row["bucket"]] = row["count"]
    return {
        "bucket_s": cut.length_ns / 1e9,
        "times": cut.times,
        "total": sum(map(sum, counts.values())),
        "counts": counts,
    }
