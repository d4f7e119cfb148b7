"""Spans as a list: roots, entries or all, with columns of choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import pyarrow as pa

from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.search.columns import values_of, values_sql
from quacktrace_collector.query.search.scopes import Scope, scope_sql
from quacktrace_collector.query.search.sql_files import SearchQuery
from quacktrace_collector.query.timestamps import clamp_time, format_time
from quacktrace_collector.query.window import PAIRING_REACH_NS, Window
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

SpanOrder = Literal["newest", "slowest"]
SPAN_ORDERS: Final[tuple[SpanOrder, ...]] = ("newest", "slowest")

_ORDER_SQL: Final[dict[SpanOrder, str]] = {"newest": "start_time desc", "slowest": "duration_ns desc"}
# The end of the range is searched first, and more of it only if that is not enough.
_FIRST_SLICE_NS: Final = 60 * 1_000_000_000
_SLICE_GROWTH: Final = 6


@dataclass(frozen=True, slots=True)
class FoundSpans:
    """Spans in the order asked for; `truncated` when there are more."""

    spans: list[dict[str, Any]]
    truncated: bool


def find_spans(
    store: Store,
    window: Window,
    wanted: Conditions,
    *,
    scope: Scope,
    keys: Sequence[str],
    limit: int,
    order: SpanOrder,
) -> FoundSpans:
    """Spans that start in the window."""
    whole = window.narrowed
    conditions = replace(wanted, clauses=[*wanted.clauses], parameters={**wanted.parameters})
    sql = SearchQuery.SPAN_LIST.sql(
        values=values_sql(conditions, keys),
        matching=conditions.sql,
        scope=scope_sql(scope),
        order=_ORDER_SQL[order],
    )
    length = _FIRST_SLICE_NS if order == "newest" else whole.to_ns - whole.from_ns
    end_ns = whole.to_ns
    found: list[pa.Table] = []
    rows = 0
    while True:
        part = TimeRange(max(whole.from_ns, whole.to_ns - length), end_ns)
        table = store.query(
            sql,
            {"from_ns": part.from_ns, "to_ns": part.to_ns, "limit": limit + 1 - rows, **conditions.parameters},
            time_range=_with_parents(part) if scope == "entry" else part,
        )
        found.append(table)
        rows += table.num_rows
        if rows > limit or part.from_ns <= whole.from_ns:
            break
        end_ns = part.from_ns
        length *= _SLICE_GROWTH
    table = pa.concat_tables(found)
    values = values_of(table, keys)
    spans = [_span(row, own) for row, own in zip(table.to_pylist(), values, strict=True)]
    return FoundSpans(spans[:limit], len(spans) > limit)


def _with_parents(part: TimeRange) -> TimeRange:
    return TimeRange(clamp_time(part.from_ns - PAIRING_REACH_NS), clamp_time(part.to_ns + PAIRING_REACH_NS))


def _span(row: dict[str, Any], values: list[str | None]) -> dict[str, Any]:
    return {
        "trace_id": row["trace_id"],
        "span_id": row["span_id"],
        "parent_span_id": row["parent_span_id"],
        "service_name": row["service_name"],
        "name": row["name"],
        "kind": row["kind"],
        "status_code": row["status_code"],
        "start_time": format_time(row["start_ns"]),
        "duration_ns": row["duration_ns"],
        "values": values,
    }
