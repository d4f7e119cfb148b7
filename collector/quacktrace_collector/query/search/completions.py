"""Keys and values that the newest spans have, to complete what somebody types."""

from __future__ import annotations

from typing import Any, Final

from quacktrace_collector.query.conditions import Conditions, like_pattern
from quacktrace_collector.query.search.fields import INTRINSIC_KEYS, field_of
from quacktrace_collector.query.search.recent import recent_range
from quacktrace_collector.query.search.span_sql import value_sql
from quacktrace_collector.query.search.sql_files import SearchQuery
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store

_SPANS_WITH_KEYS: Final = 20_000
_SPANS_WITH_VALUES: Final = 50_000
_LIMIT: Final = 40


def complete_keys(store: Store, window: Window, prefix: str) -> list[dict[str, Any]]:
    """Keys that contain the text: what every span has first, then attributes by how many spans have them."""
    lowered = prefix.lower()
    intrinsic = [key for key in INTRINSIC_KEYS if lowered in key]
    part = recent_range(store, window, spans=_SPANS_WITH_KEYS)
    table = store.query(
        SearchQuery.KEYS.sql(),
        {
            "from_ns": part.from_ns,
            "to_ns": part.to_ns,
            "most_spans": _SPANS_WITH_KEYS,
            "pattern": f"%{like_pattern(prefix.replace('*', ''))}%",
            "limit": _LIMIT,
        },
        time_range=part,
    )
    found = [{"key": key, "spans": None} for key in intrinsic] + table.to_pylist()
    return sorted(found, key=lambda one: not one["key"].lower().startswith(lowered))[:_LIMIT]


def complete_values(store: Store, window: Window, key: str, prefix: str) -> list[dict[str, Any]]:
    """Values of the key that contain the text, most frequent first."""
    field = field_of(key)
    if field.kind in ("trace_duration", "duration"):
        return [{"value": value, "spans": None} for value in ("100ms", "500ms", "1s", "5s")]
    if field.kind == "enum":
        return [{"value": value.lower(), "spans": None} for value in field.allowed if prefix.upper() in value]
    conditions = Conditions()
    part = recent_range(store, window, spans=_SPANS_WITH_VALUES)
    table = store.query(
        SearchQuery.VALUES.sql(value=value_sql(conditions, field)),
        {
            "from_ns": part.from_ns,
            "to_ns": part.to_ns,
            "most_spans": _SPANS_WITH_VALUES,
            "pattern": f"%{like_pattern(prefix.replace('*', ''))}%",
            "limit": _LIMIT,
            **conditions.parameters,
        },
        time_range=part,
    )
    return table.to_pylist()
