"""Any attribute as a column of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.search.fields import field_of
from quacktrace_collector.query.search.span_sql import value_sql
from quacktrace_collector.query.search.sql_files import SearchQuery
from quacktrace_collector.query.timestamps import clamp_time
from quacktrace_collector.query.window import PAIRING_REACH_NS, Window
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

_LONGEST_SHOWN: Final = 500


def values_sql(conditions: Conditions, keys: Sequence[str]) -> str:
    """The keys' values as further columns `v0`, `v1`, … of a SELECT over spans."""
    return "".join(
        f", left({value_sql(conditions, field_of(key))}, {_LONGEST_SHOWN}) as v{number}"
        for number, key in enumerate(keys)
    )


def values_of(table: pa.Table, keys: Sequence[str]) -> list[list[str | None]]:
    """Those columns by row."""
    columns = [table[f"v{number}"].to_pylist() for number in range(len(keys))]
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in range(table.num_rows)]


def trace_values(store: Store, window: Window, trace_ids: Sequence[str], keys: Sequence[str]) -> dict[str, list[Any]]:
    """The keys' values by trace: of the earliest span that has one."""
    if not keys or not trace_ids:
        return {}
    conditions = Conditions()
    values = "".join(
        f", left(arg_min({(value := value_sql(conditions, field_of(key)))}, start_time)"
        f" filter ({value} is not null), {_LONGEST_SHOWN}) as v{number}"
        for number, key in enumerate(keys)
    )
    whole = window.narrowed
    part = TimeRange(whole.from_ns, clamp_time(whole.to_ns + PAIRING_REACH_NS))
    table = store.query(
        SearchQuery.TRACE_COLUMNS.sql(values=values),
        {"from_ns": part.from_ns, "to_ns": part.to_ns, "trace_ids": list(trace_ids), **conditions.parameters},
        time_range=part,
        trace_ids=trace_ids,
    )
    return {str(trace_id): row for trace_id, row in zip(table["trace_id"], values_of(table, keys), strict=True)}
