"""The service graph of one trace or of some, in the form of `/graph`, so that the same map draws it."""

from __future__ import annotations

from typing import Any, Final

from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.trace_spans import trace_not_found
from quacktrace_collector.store import Store

_INFERRED: Final = ("database", "messaging", "external")
_EDGE: Final = ("client_service", "server_service", "type", "calls", "errors", "p50_ms", "p95_ms")
_RED: Final = ("calls", "errors", "p50_ms", "p95_ms")


def trace_graph(store: Store, trace_id: str) -> dict[str, Any]:
    """Percentiles are exact here; raises NotFoundError when no span of the trace is stored."""
    parameters = {"trace_id": trace_id}
    entries = store.query(Query.TRACE_ENTRIES.sql, parameters, trace_ids=[trace_id]).to_pylist()
    if not entries:
        raise trace_not_found(trace_id)
    return graph_of(entries, store.query(Query.TRACE_EDGES.sql, parameters, trace_ids=[trace_id]).to_pylist())


def graph_of(entries: list[dict[str, Any]], calls: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows of `trace_entries.sql` and of `trace_edges.sql` as nodes and edges."""
    nodes = {row["service_name"]: _node(row["service_name"], "service", row) for row in entries}
    for row in calls:
        if row["type"] in _INFERRED and row["server_service"] not in nodes:
            nodes[row["server_service"]] = _node(row["server_service"], row["type"], _of_server(calls, row))
    return {"nodes": list(nodes.values()), "edges": [{name: row[name] for name in _EDGE} for row in calls]}


def _node(name: str, kind: str, red: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "kind": kind, **{field: red[field] for field in _RED}}


def _of_server(calls: list[dict[str, Any]], row: dict[str, Any]) -> dict[str, Any]:
    """Several services may call one database; its percentiles are those of its slowest caller."""
    alike = [call for call in calls if call["server_service"] == row["server_service"]]
    return {
        "calls": sum(call["calls"] for call in alike),
        "errors": sum(call["errors"] for call in alike),
        "p50_ms": max(call["p50_ms"] for call in alike),
        "p95_ms": max(call["p95_ms"] for call in alike),
    }
