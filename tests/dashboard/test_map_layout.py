"""The service map's layout: deterministic, without overlaps, fast."""

from __future__ import annotations

import random
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from quacktrace_dashboard.map_layout import CARD_HEIGHT, CARD_WIDTH, Edge, MapLayout, layout_map

NAMES = st.text(alphabet="abcdef<>é ", min_size=1, max_size=3)
EDGES = st.sets(st.tuples(NAMES, NAMES), max_size=40)


def overlapping(layout: MapLayout) -> list[tuple[str, str]]:
    return [
        (a, b)
        for (a, at_a), (b, at_b) in combinations(layout.centres.items(), 2)
        if abs(at_a.x - at_b.x) < CARD_WIDTH and abs(at_a.y - at_b.y) < CARD_HEIGHT
    ]


@given(nodes=st.sets(NAMES, max_size=10), edges=EDGES, order=st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_same_graph_in_any_order_gives_the_same_picture(
    nodes: set[str], edges: set[Edge], order: random.Random
) -> None:
    node_list, edge_list = sorted(nodes), sorted(edges)
    expected = layout_map(node_list, edge_list)
    order.shuffle(node_list)
    order.shuffle(edge_list)
    assert layout_map(node_list, edge_list + edge_list[:3]) == expected


@given(nodes=st.sets(NAMES, max_size=20), edges=EDGES)
@settings(max_examples=60, deadline=None)
def test_every_node_is_placed_and_no_two_cards_overlap(nodes: set[str], edges: set[Edge]) -> None:
    layout = layout_map(nodes, edges)
    assert set(layout.centres) == nodes | {name for edge in edges for name in edge}
    assert overlapping(layout) == []


@given(edges=EDGES)
@settings(max_examples=60, deadline=None)
def test_edges_run_left_to_right_except_the_ones_that_close_a_cycle(edges: set[Edge]) -> None:
    layout = layout_map([], edges)
    assert layout.return_edges <= edges
    for client, server in edges - layout.return_edges:
        route = [layout.centres[client], *layout.waypoints.get((client, server), ()), layout.centres[server]]
        assert [point.x for point in route] == sorted({point.x for point in route})


@given(edges=EDGES)
@settings(max_examples=60, deadline=None)
def test_waypoints_keep_clear_of_the_cards_they_pass(edges: set[Edge]) -> None:
    layout = layout_map([], edges)
    for points in layout.waypoints.values():
        for point in points:
            assert not any(
                abs(card.x - point.x) < CARD_WIDTH / 2 and abs(card.y - point.y) < CARD_HEIGHT / 2
                for card in layout.centres.values()
            )


def test_a_chain_is_one_straight_row() -> None:
    layout = layout_map([], [("gateway", "orders"), ("orders", "payments"), ("payments", "postgresql")])
    assert len({point.y for point in layout.centres.values()}) == 1


def test_a_cycle_keeps_the_entry_on_the_left() -> None:
    layout = layout_map([], [("edge", "a"), ("a", "b"), ("b", "a")])
    assert layout.return_edges == {("b", "a")}
    assert layout.centres["edge"].x < layout.centres["a"].x < layout.centres["b"].x


def test_a_service_calling_itself_is_a_return_edge() -> None:
    layout = layout_map([], [("a", "a")])
    assert layout.return_edges == {("a", "a")}
    assert set(layout.centres) == {"a"}


def test_an_empty_graph_has_an_empty_layout() -> None:
    assert layout_map([], []) == MapLayout({}, {}, frozenset())


def test_a_gateway_with_many_services_does_not_become_one_endless_column() -> None:
    layout = layout_map([], [("gateway", f"service-{i:02}") for i in range(40)])
    columns = {point.x for point in layout.centres.values()}
    assert len(columns) > 3


def random_graph(size: int) -> set[Edge]:
    choose = random.Random(7)
    names = [f"service-{i:03}" for i in range(size)]
    edges = {(names[choose.randrange(i)], names[i]) for i in range(1, size)}
    while len(edges) < size * 1.4:
        edges.add((choose.choice(names), choose.choice(names)))
    return edges


def test_two_hundred_services_are_laid_out_without_overlap() -> None:
    layout = layout_map([], random_graph(200))
    assert len(layout.centres) == 200
    assert overlapping(layout) == []
