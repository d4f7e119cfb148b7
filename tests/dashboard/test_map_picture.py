"""The service map's picture: what the asset is told to draw for a graph."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quacktrace_dashboard.figures.edge_routes import LABEL_HEIGHT, LABEL_WIDTH, route_edges
from quacktrace_dashboard.figures.focus_part import MORE, MOST_BESIDE
from quacktrace_dashboard.figures.rates import rate_text
from quacktrace_dashboard.figures.service_map import display_name, service_map_picture
from quacktrace_dashboard.map_layout import CARD_HEIGHT, CARD_WIDTH, layout_map


def graph(*edges: tuple[str, str, int, int], kinds: dict[str, str] | None = None) -> dict[str, Any]:
    names = sorted({name for edge in edges for name in edge[:2]})
    kinds = kinds or {}
    calls = {name: sum(edge[2] for edge in edges if edge[1] == name) or 100 for name in names}
    errors = {name: sum(edge[3] for edge in edges if edge[1] == name) for name in names}
    return {
        "seconds": 100.0,
        "nodes": [
            {
                "id": name,
                "kind": kinds.get(name, "service"),
                "calls": calls[name],
                "errors": errors[name],
                "p50_ms": 1.0,
                "p95_ms": 20.0,
            }
            for name in names
        ],
        "edges": [
            {
                "client_service": client,
                "server_service": server,
                "type": "call",
                "calls": calls,
                "errors": errors,
                "p50_ms": 1.0,
                "p95_ms": 20.0,
            }
            for client, server, calls, errors in edges
        ],
    }


def by_id(elements: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {element["id"]: element for element in elements}


def test_a_failing_node_says_so_in_words_and_not_only_in_colour() -> None:
    picture = service_map_picture(graph(("gateway", "payment", 1000, 90), ("gateway", "auth", 1000, 0)))
    nodes = by_id(picture["nodes"])
    assert nodes["payment"]["is_failing"]
    assert nodes["payment"]["share"] == "9.0%"
    assert "9.0% errors" in nodes["payment"]["description"]
    assert not nodes["auth"]["is_failing"]
    assert nodes["auth"]["share"] == "ok"


def test_a_share_too_small_to_see_still_shows_a_sliver() -> None:
    nodes = by_id(service_map_picture(graph(("a", "b", 100_000, 1)))["nodes"])
    assert nodes["b"]["arc"] == 0.04
    assert nodes["a"]["arc"] == 0


def test_an_edge_label_has_rate_p95_and_errors() -> None:
    (edge,) = service_map_picture(graph(("a", "b", 1200, 24)))["edges"]
    assert edge["label"] == "12/s 20 ms 2.0%"
    assert edge["is_failing"]
    assert "24 of 1200 failed" in edge["title"]


def test_several_kinds_of_edge_between_two_services_are_one_line() -> None:
    data = graph(("a", "b", 100, 0))
    data["edges"].append({**data["edges"][0], "type": "link", "calls": 50})
    (edge,) = service_map_picture(data)["edges"]
    assert edge["type"] == "call"
    assert "link: 30/min" in edge["title"]


def test_a_crowded_map_labels_only_failing_edges() -> None:
    crowd = [("gateway", f"service-{i:02}", 100, 0) for i in range(28)]
    picture = service_map_picture(graph(*crowd, ("gateway", "broken", 100, 30)))
    labelled = [edge["server_service"] for edge in picture["edges"] if not edge["is_quiet"]]
    assert labelled == ["broken"]


def test_labels_of_a_small_map_cover_neither_cards_nor_each_other() -> None:
    edges = [("gateway", f"s{i}") for i in range(5)] + [(f"s{i}", f"db{i}") for i in range(5)] + [("s1", "s4")]
    layout = layout_map([], edges)
    routes = route_edges(layout, edges)
    placed = [route.label for route in routes.values() if route.has_room]
    for i, label in enumerate(placed):
        y = label.y - LABEL_HEIGHT / 4
        for card in layout.centres.values():
            apart = abs(card.x - label.x) >= (CARD_WIDTH + LABEL_WIDTH) / 2 - 0.1
            assert apart or abs(card.y - y) >= (CARD_HEIGHT + LABEL_HEIGHT) / 2 - 0.1
        for other in placed[:i]:
            assert abs(other.x - label.x) >= LABEL_WIDTH - 0.1 or abs(other.y - label.y) >= LABEL_HEIGHT - 0.1


def test_a_call_back_runs_below_the_cards_between() -> None:
    edges = [("a", "b"), ("b", "c"), ("c", "a")]
    layout = layout_map([], edges)
    routes = route_edges(layout, edges)
    assert routes["c", "a"].lowest > max(point.y for point in layout.centres.values()) + CARD_HEIGHT / 2
    assert service_map_picture(graph(*((*edge, 1, 0) for edge in edges)))["bounds"][3] == routes["c", "a"].lowest


def test_focus_shows_two_steps_each_way_and_no_further() -> None:
    chain = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "f"), ("x", "e")]
    picture = service_map_picture(graph(*((*edge, 10, 0) for edge in chain)), focus="d")
    assert set(by_id(picture["nodes"])) == {"b", "c", "d", "e", "f"}


def test_an_unknown_focus_shows_the_whole_map() -> None:
    picture = service_map_picture(graph(("a", "b", 1, 0)), focus="<nobody>")
    assert set(by_id(picture["nodes"])) == {"a", "b"}


def test_a_focus_with_thousands_of_neighbours_shows_the_worst_and_counts_the_rest() -> None:
    data = graph(
        *(("hub", f"leaf-{i:04}", i, int(i == 7)) for i in range(1, 3000)),
        *((f"in-{i}", "hub", 5, 0) for i in range(90)),
        *((f"leaf-{i:04}", f"far-{i:04}", 5, 0) for i in range(2900, 3000)),
    )
    picture = service_map_picture(data, focus="hub")
    nodes = by_id(picture["nodes"])
    assert {"leaf-0007", "leaf-2999", "far-2999", "hub"} <= set(nodes)
    assert "leaf-0001" not in nodes
    assert len(nodes) < 40
    assert nodes[f"{MORE}called"]["name"] == f"{2999 - MOST_BESIDE:,} more"
    assert nodes[f"{MORE}callers"]["opens"] == {"service": "hub"}
    assert picture["thinned_from"] == 1 + 2999 + 90 + 100
    (rest,) = (edge for edge in picture["edges"] if edge["server_service"] == f"{MORE}called")
    drawn = sum(i for i in range(1, 3000) if f"leaf-{i:04}" not in nodes)
    assert f"0 of {drawn} failed" in rest["title"]


@pytest.mark.parametrize(
    ("node_id", "kind", "expected"),
    [
        ("cart", "service", ("cart", "")),
        ("postgresql://db-0/orders", "database", ("db-0/orders", "postgresql database")),
        ("sqlite@user-service", "database", ("sqlite", "database of user-service")),
        ("stripe.example.com:443", "external", ("stripe.example.com:443", "external")),
        ("a@b", "service", ("a@b", "")),
    ],
)
def test_inferred_nodes_have_readable_names(node_id: str, kind: str, expected: tuple[str, str]) -> None:
    assert display_name(node_id, kind) == expected


@pytest.mark.parametrize(
    ("calls", "seconds", "expected"),
    [(0, 60, "0/s"), (1200, 60, "20/s"), (90, 60, "1.5/s"), (30, 60, "30/min"), (2, 3600, "2/h"), (1, 10**9, "<1/day")],
)
def test_rates_choose_the_unit_that_keeps_them_near_one(calls: int, seconds: float, expected: str) -> None:
    assert rate_text(calls, seconds) == expected


@given(
    edges=st.sets(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"), st.integers(0, 999), st.integers(0, 5)),
        max_size=24,
    )
)
@settings(max_examples=40, deadline=None)
def test_the_picture_of_any_graph_has_finite_places(edges: set[tuple[str, str, int, int]]) -> None:
    distinct = {(client, server): (client, server, calls, errors) for client, server, calls, errors in edges}
    picture = service_map_picture(graph(*distinct.values()))
    assert len(picture["edges"]) == len(distinct)
    if picture["bounds"]:
        left, top, right, bottom = picture["bounds"]
        assert all(left <= node["x"] <= right and top <= node["y"] <= bottom for node in picture["nodes"])
