"""The service graph: services, what they call, and what can only be inferred from the calls."""

from __future__ import annotations

from typing import Any

from quacktrace_collector.query.red import red
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store


def graph(store: Store, window: Window) -> dict[str, list[dict[str, Any]]]:
    """Nodes and edges; an inferred node that has the name of a service is that service's node."""
    rows = store.query(Query.GRAPH.sql, window.pairing_parameters(), time_range=window.reach).to_pylist()
    nodes: dict[str, dict[str, Any]] = {}
    for element in ("service", "inferred"):
        for row in rows:
            if row["element"] == element:
                nodes.setdefault(row["id"], {"id": row["id"], "kind": row["type"], **red(row)})
    edges = [
        {"client_service": row["client_service"], "server_service": row["id"], "type": row["type"], **red(row)}
        for row in rows
        if row["element"] == "edge"
    ]
    # A caller all of whose own spans began before the window is known from the edge only.
    for edge in edges:
        caller = edge["client_service"]
        nodes.setdefault(
            caller, {"id": caller, "kind": "service", "calls": 0, "errors": 0, "p50_ms": None, "p95_ms": None}
        )
    return {"nodes": list(nodes.values()), "edges": edges}
