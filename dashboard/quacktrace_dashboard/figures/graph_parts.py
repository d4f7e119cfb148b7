"""Parts of a service graph that fit on a map: what fails, and namespaces in the place of their services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["GROUP", "failing_part", "group_id", "grouped"]

GROUP = "group"
"""The kind of a node that stands for several."""

_NO_NAMESPACE = "no namespace"
_INFERRED_GROUPS = {"database": "databases", "messaging": "queues", "external": "external hosts"}

Graph = Mapping[str, Any]


def failing_part(graph: Graph) -> dict[str, Any]:
    """The edges on which calls failed with their ends, and the nodes in which calls failed."""
    edges = [edge for edge in graph["edges"] if edge["errors"]]
    kept = {edge[end] for edge in edges for end in ("client_service", "server_service")}
    nodes = [node for node in graph["nodes"] if node["errors"] or node["id"] in kept]
    return {**graph, "nodes": nodes, "edges": edges}


def group_id(namespace: str) -> str:
    """The node of a namespace; no service is called like that by accident."""
    return f"namespace://{namespace}"


def grouped(graph: Graph, namespaces: Mapping[str, str], *, opened: str | None = None) -> dict[str, Any]:
    """The graph of namespaces, of which the `opened` one shows its services among those they touch."""

    def group_of(node: Mapping[str, Any]) -> str:
        inferred = _INFERRED_GROUPS.get(node["kind"])
        return inferred or namespaces.get(node["id"], _NO_NAMESPACE)

    place = {
        node["id"]: node["id"] if (group := group_of(node)) == opened else group_id(group) for node in graph["nodes"]
    }
    nodes = _merged(graph["nodes"], lambda node: (place[node["id"]],))
    edges = _merged(
        [edge for edge in graph["edges"] if edge["client_service"] in place and edge["server_service"] in place],
        lambda edge: (place[edge["client_service"]], place[edge["server_service"]], edge["type"]),
    )
    shown = {
        (client, server, type_): {**edge, "client_service": client, "server_service": server}
        for (client, server, type_), edge in edges.items()
    }
    all_groups = group_id("")

    def is_wanted(client: str, server: str) -> bool:
        if opened is None:
            return client != server
        return not (client.startswith(all_groups) and server.startswith(all_groups))

    kept = [edge for (client, server, _), edge in shown.items() if is_wanted(client, server)]
    reached = {edge[end] for edge in kept for end in ("client_service", "server_service")}
    return {
        **graph,
        "nodes": [
            {**node, "id": id_, "kind": node["kind"] if id_ == node["id"] else GROUP}
            for (id_,), node in nodes.items()
            if opened is None or id_ == node["id"] or id_ in reached
        ],
        "edges": kept,
    }


def _merged(
    rows: list[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], tuple[str, ...]]
) -> dict[tuple[str, ...], dict[str, Any]]:
    """Calls and errors added up; of percentiles the highest, which no member exceeds."""
    merged: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        into = merged.get(key(row))
        if into is None:
            merged[key(row)] = {**row, "members": 1}
            continue
        for name in ("calls", "errors"):
            into[name] += row[name]
        into["members"] += 1
        for name in ("p50_ms", "p95_ms"):
            known = [value for value in (into[name], row[name]) if value is not None]
            into[name] = max(known, default=None)
    return merged
