"""Finding traces: ids first, by columns that are cheap to read, then a summary of only those."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import LATEST_NS, clamp_time, format_time
from quacktrace_collector.query.window import PAIRING_REACH_NS, Window
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

Order = Literal["newest", "slowest", "errors", "spans"]

ORDERS: Final[tuple[Order, ...]] = ("newest", "slowest", "errors", "spans")
# Only names of our own are ever put into the query's text.
_ORDERS: Final[dict[Order, str]] = {
    "newest": "start_time desc",
    "slowest": "coalesce(root_duration_ns, whole_duration_ns) desc",
    "errors": "error_count desc",
    "spans": "span_count desc",
}
_FIRST_SLICE_NS: Final = 10 * 60 * 1_000_000_000
_SLICE_GROWTH: Final = 6


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Which traces to find."""

    span: Conditions = field(default_factory=Conditions)
    """What one and the same span of the trace has to fulfil."""
    min_duration_ns: int | None = None
    """Of the root where there is one, else of the whole trace."""
    max_duration_ns: int | None = None
    with_error: bool = False
    """Some span has status ERROR."""
    without_error: bool = False
    """No span has."""


@dataclass(frozen=True, slots=True)
class FoundTraces:
    """Summaries in the order asked for; `truncated` when there are more."""

    traces: list[dict[str, Any]]
    truncated: bool


def find_traces(store: Store, window: Window, wanted: TraceFilter, *, limit: int, order: Order) -> FoundTraces:
    """Traces that start in the window."""
    found = _find_ids(store, window, wanted, limit=limit + 1, order=order)
    kept = found[:limit]
    return FoundTraces(summarise(store, kept), len(found) > limit)


def summarise(store: Store, traces: list[tuple[str, int]]) -> list[dict[str, Any]]:
    """One summary for each (trace_id, start), in this order."""
    if not traces:
        return []
    starts = [start_ns for _, start_ns in traces]
    reach = TimeRange(min(starts), clamp_time(max(starts) + PAIRING_REACH_NS))
    table = store.query(
        Query.TRACE_SUMMARIES.sql,
        {
            "trace_ids": [trace_id for trace_id, _ in traces],
            "reach_from_ns": reach.from_ns,
            "reach_to_ns": reach.to_ns,
        },
        time_range=reach,
    )
    by_id = {row["trace_id"]: _summary(row) for row in table.to_pylist()}
    return [by_id[trace_id] for trace_id, _ in traces if trace_id in by_id]


def _find_ids(store: Store, window: Window, wanted: TraceFilter, *, limit: int, order: Order) -> list[tuple[str, int]]:
    whole = window.narrowed
    sql = _find_sql(wanted, order)
    length = _FIRST_SLICE_NS if order == "newest" else whole.to_ns - whole.from_ns
    while True:
        part = TimeRange(max(whole.from_ns, whole.to_ns - length), whole.to_ns)
        found = _find_in(store, sql, wanted, part, limit)
        if len(found) >= limit or part.from_ns <= whole.from_ns:
            return found
        length *= _SLICE_GROWTH


def _find_in(store: Store, sql: str, wanted: TraceFilter, part: TimeRange, limit: int) -> list[tuple[str, int]]:
    reach = TimeRange(clamp_time(part.from_ns - PAIRING_REACH_NS), clamp_time(part.to_ns + PAIRING_REACH_NS))
    table = store.query(
        sql,
        {
            "from_ns": part.from_ns,
            "to_ns": part.to_ns,
            "reach_from_ns": reach.from_ns,
            "reach_to_ns": reach.to_ns,
            "min_duration_ns": wanted.min_duration_ns or 0,
            "max_duration_ns": LATEST_NS if wanted.max_duration_ns is None else wanted.max_duration_ns,
            "with_error": wanted.with_error,
            "without_error": wanted.without_error,
            "limit": limit,
            **wanted.span.parameters,
        },
        time_range=reach,
    )
    return [(row["trace_id"], row["start_ns"]) for row in table.to_pylist()]


def _find_sql(wanted: TraceFilter, order: Order) -> str:
    matching = "true"
    if wanted.span:
        matching = (
            "trace_id in (select trace_id from spans where start_time >= make_timestamp_ns($from_ns) "
            f"and start_time < make_timestamp_ns($reach_to_ns) and {wanted.span.sql})"
        )
    # Not str.format: conditions may hold braces one day.
    return Query.TRACE_IDS.sql.replace("{matching}", matching).replace("{order}", _ORDERS[order])


def _summary(row: dict[str, Any]) -> dict[str, Any]:
    services = sorted(row["services"], key=lambda entry: (-entry["value"], entry["key"]))
    return {
        "trace_id": row["trace_id"],
        "root_service_name": row["root_service_name"],
        "root_name": row["root_name"],
        "start_time": format_time(row["start_ns"]),
        "duration_ns": row["duration_ns"],
        "root_duration_ns": row["root_duration_ns"],
        "span_count": row["span_count"],
        "error_count": row["error_count"],
        "services": [{"service_name": entry["key"], "span_count": entry["value"]} for entry in services],
        "is_complete": row["is_complete"],
    }
