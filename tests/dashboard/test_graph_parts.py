"""Parts of a service graph: what fails, and namespaces instead of services."""

from __future__ import annotations

from typing import Any

from quacktrace_dashboard.figures.graph_parts import GROUP, failing_part, group_id, grouped
from quacktrace_dashboard.figures.service_map import service_map_picture


def node(name: str, *, kind: str = "service", calls: int = 10, errors: int = 0, p95_ms: float = 1.0) -> dict[str, Any]:
    return {"id": name, "kind": kind, "calls": calls, "errors": errors, "p50_ms": p95_ms / 2, "p95_ms": p95_ms}


def edge(client: str, server: str, *, calls: int = 10, errors: int = 0, kind: str = "call") -> dict[str, Any]:
    red = {"calls": calls, "errors": errors, "p50_ms": 1.0, "p95_ms": 2.0}
    return {"client_service": client, "server_service": server, "type": kind, **red}


GRAPH = {
    "seconds": 60.0,
    "nodes": [
        node("web", errors=1, p95_ms=5.0),
        node("cart"),
        node("pay", errors=1, p95_ms=9.0),
        node("sqlite@pay", kind="database"),
    ],
    "edges": [edge("web", "cart"), edge("web", "pay", errors=1), edge("pay", "sqlite@pay", kind="database")],
}
NAMESPACES = {"web": "front", "cart": "shop", "pay": "shop"}


def test_what_fails_is_the_failing_edges_with_their_ends() -> None:
    part = failing_part(GRAPH)
    assert [one["id"] for one in part["nodes"]] == ["web", "pay"]
    assert [one["server_service"] for one in part["edges"]] == ["pay"]


def test_a_namespace_has_the_calls_of_its_services_and_their_highest_percentile() -> None:
    nodes = {one["id"]: one for one in grouped(GRAPH, NAMESPACES)["nodes"]}
    assert set(nodes) == {group_id("front"), group_id("shop"), group_id("databases")}
    shop = nodes[group_id("shop")]
    assert (shop["kind"], shop["members"], shop["calls"], shop["errors"], shop["p95_ms"]) == (GROUP, 2, 20, 1, 9.0)


def test_calls_within_a_namespace_are_no_edge_and_those_between_two_are_one() -> None:
    graph = {**GRAPH, "edges": [*GRAPH["edges"], edge("cart", "pay")]}
    edges = {(one["client_service"], one["server_service"]): one for one in grouped(graph, NAMESPACES)["edges"]}
    assert set(edges) == {(group_id("front"), group_id("shop")), (group_id("shop"), group_id("databases"))}
    assert edges[group_id("front"), group_id("shop")]["calls"] == 20


def test_an_opened_namespace_shows_its_services_and_what_they_touch() -> None:
    graph = grouped(GRAPH, NAMESPACES, opened="shop")
    kinds = {one["id"]: one["kind"] for one in graph["nodes"]}
    assert kinds == {group_id("front"): GROUP, "cart": "service", "pay": "service", group_id("databases"): GROUP}
    texts = {one["id"]: (one["name"], one["note"]) for one in service_map_picture(graph)["nodes"]}
    assert texts[group_id("front")] == ("front", "1 inside")
    apart = {**GRAPH, "nodes": [*GRAPH["nodes"], node("mail")], "edges": [*GRAPH["edges"], edge("web", "mail")]}
    opened = grouped(apart, {**NAMESPACES, "mail": "post"}, opened="shop")
    assert group_id("post") not in {one["id"] for one in opened["nodes"]}
    assert all(
        "shop" in (NAMESPACES.get(one[end]) for end in ("client_service", "server_service")) for one in opened["edges"]
    )
