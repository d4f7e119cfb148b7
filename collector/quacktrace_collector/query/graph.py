"""The service graph: services, what they call, and what can only be inferred from the calls."""

from __future__ import annotations

from typing import Any, Final

from quacktrace_collector.query.red import red
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store

_INFERRED: Final = ("database", "messaging", "external")


def graph(store: Store, window: Window) -> dict[str, list[dict[str, Any]]]:
    """Nodes and edges; an inferred node that has the name of a service is that service's node."""
    rows = store.query(Query.GRAPH.sql, window.pairing_parameters(), time_range=window.reach).to_pylist()
    rows.sort(key=lambda row: (row["client_service"] or "", row["server_service"], row["type"]))
    nodes: dict[str, dict[str, Any]] = {}
    for types in (("service",), _INFERRED):
        for row in rows:
            if row["client_service"] is None and row["type"] in types:
                name = row["server_service"]
                nodes.setdefault(name, {"id": name, "kind": row["type"], **red(row)})
    edges = [
        {
            "client_service": row["client_service"],
            "server_service": row["server_service"],
            "type": row["type"],
            **red(row),
        }
        for row in rows
        if row["client_service"] is not None
    ]
    # A caller all of whose own spans began before the window is known from the edge only.
    unknown = {"kind": "service", "calls": 0, "errors": 0, "p50_ms": None, "p95_ms": None}
    for edge in edges:
        nodes.setdefault(edge["client_service"], {"id": edge["client_service"], **unknown})
    return {"nodes": list(nodes.values()), "edges": edges}
