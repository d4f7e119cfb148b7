"""Which values the attributes of what was found have, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.search.columns import values_sql
from quacktrace_collector.query.search.recent import recent_range
from quacktrace_collector.query.search.scopes import Scope, scope_sql
from quacktrace_collector.query.search.sql_files import SearchQuery
from quacktrace_collector.query.timestamps import clamp_time
from quacktrace_collector.query.traces import TraceFilter, find_trace_rows
from quacktrace_collector.query.window import PAIRING_REACH_NS, Window
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

FACET_KEYS: Final = (
    *("service", "name", "status", "kind", "http.response.status_code", "http.route", "http.request.method"),
    *("exception.type", "db.system.name", "version", "environment"),
)

_MOST_TRACES: Final = 2_000
_MOST_SPANS: Final = 100_000
_MOST_VALUES: Final = 12


def trace_facets(
    store: Store, window: Window, cases: Sequence[TraceFilter], wanted: Conditions, *, keys: Sequence[str]
) -> dict[str, Any]:
    """Of the newest matching traces: how many have a matching span with the value."""
    rows = find_trace_rows(store, window, cases, most=_MOST_TRACES + 1, order="newest")
    trace_ids = rows["trace_id"].to_pylist()[:_MOST_TRACES]
    conditions = _copy(wanted)
    conditions.clauses.append(f"trace_id in (select unnest({conditions.bind(trace_ids)}))")
    whole = window.narrowed
    part = TimeRange(whole.from_ns, clamp_time(whole.to_ns + PAIRING_REACH_NS))
    if trace_ids:
        first_ns = int(rows["start_time"].cast(pa.int64()).to_numpy()[:_MOST_TRACES].min())
        part = TimeRange(max(part.from_ns, first_ns), part.to_ns)
    return {
        "of": "traces",
        "counted": len(trace_ids),
        "truncated": rows.num_rows > _MOST_TRACES,
        "facets": _count(store, part, conditions, scope="all", keys=keys, by="traces"),
    }


def span_facets(
    store: Store, window: Window, wanted: Conditions, *, scope: Scope, keys: Sequence[str]
) -> dict[str, Any]:
    """Of the newest spans: how many that match have the value."""
    part = recent_range(store, window, spans=_MOST_SPANS)
    return {
        "of": "spans",
        "counted": None,
        "truncated": part.from_ns > window.narrowed.from_ns,
        "facets": _count(store, part, _copy(wanted), scope=scope, keys=keys, by="spans"),
    }


def _count(
    store: Store, part: TimeRange, conditions: Conditions, *, scope: Scope, keys: Sequence[str], by: str
) -> list[dict[str, Any]]:
    counted = " union all ".join(
        f"select {number} as facet, v{number} as value, count(*) as spans, count(distinct trace) as traces"
        f" from matched where v{number} is not null group by v{number}"
        for number in range(len(keys))
    )
    sql = SearchQuery.FACETS.sql(
        values=values_sql(conditions, keys),
        matching=conditions.sql,
        scope=scope_sql(scope),
        counted=counted,
        by=by,
    )
    table = store.query(
        sql,
        {
            "from_ns": part.from_ns,
            "to_ns": part.to_ns,
            "most_spans": 10 * _MOST_SPANS,
            "most_values": _MOST_VALUES,
            **conditions.parameters,
        },
        time_range=part,
    )
    facets: list[dict[str, Any]] = [{"key": key, "values": [], "distinct_values": 0} for key in keys]
    for row in table.to_pylist():
        facet = facets[row["facet"]]
        facet["values"].append({"value": row["value"], "count": row[by]})
        facet["distinct_values"] = row["distinct_values"]
    return facets


def _copy(conditions: Conditions) -> Conditions:
    return replace(conditions, clauses=[*conditions.clauses], parameters={**conditions.parameters})
