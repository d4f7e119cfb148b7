"""Which spans of a trace a search finds: what to highlight for those who come from a list of traces."""

from __future__ import annotations

from typing import Any, Final

from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.store import Store

_MOST_MATCHES: Final = 50_000


def span_matches(store: Store, trace_id: str, wanted: Conditions) -> dict[str, Any]:
    """Their ids; a search that says nothing about single spans matches none rather than all."""
    if not wanted:
        return {"span_ids": []}
    table = store.query(
        Query.SPAN_MATCHES.sql.replace("{matching}", wanted.sql),
        {"trace_id": trace_id, "limit": _MOST_MATCHES, **wanted.parameters},
        trace_ids=[trace_id],
    )
    return {"span_ids": table["span_id"].to_pylist()}
