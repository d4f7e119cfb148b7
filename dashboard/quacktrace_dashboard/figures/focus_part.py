"""The part of a service graph around one service: all of it where that is little, else what a reader can follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quacktrace_dashboard.figures.graph_parts import GROUP

__all__ = ["MORE", "MOST_BESIDE", "FocusPart", "focus_part"]

MORE = "more://"
"""Begins the id of a card that stands for the callers, or the called, that did not fit."""
MOST_BESIDE = 7
"""Cards of one distance on one side: a column that fits a laptop's screen in a readable size."""
_SMALL_NODES = 25
_SMALL_EDGES = 40

Graph = Mapping[str, Any]
Ends = tuple[str, str]


@dataclass(frozen=True)
class FocusPart:
    """What is drawn, and how much there would be."""

    graph: dict[str, Any]
    reached: int
    """Nodes that so many calls lead to or from, the focus included."""
    is_thinned: bool
    """Of too many, those with the most failed calls, then the most calls; the lines between the others are left out."""


def focus_part(graph: Graph, focus: str, *, hops: int) -> FocusPart:
    """The focus, what it reaches and what reaches it in so many calls."""
    known = {node["id"]: node for node in graph["nodes"]}
    edges = [edge for edge in graph["edges"] if edge["client_service"] in known and edge["server_service"] in known]
    levels = _levels(edges, focus, hops)
    inside = [edge for edge in edges if edge["client_service"] in levels and edge["server_service"] in levels]
    if len(levels) <= _SMALL_NODES and len(inside) <= _SMALL_EDGES:
        nodes = [known[name] for name in levels]
        return FocusPart({**graph, "nodes": nodes, "edges": inside}, len(levels), False)
    kept, drawn = {focus}, list[Mapping[str, Any]]()
    more: list[dict[str, Any]] = []
    for side in (1, -1):
        near = {focus}
        for distance in range(1, hops + 1):
            strongest = _strongest(inside, levels, near, level=side * distance, side=side)
            ranked = sorted(strongest, key=lambda name: (*_weight(strongest[name]), name))
            if distance == 1 and len(ranked) > MOST_BESIDE:
                rest = [strongest[name] for name in ranked[MOST_BESIDE:]]
                more.append(_more(rest, focus, side=side))
                drawn.append(_merged_edge(rest, more[-1]["id"], focus, side=side))
            near = set(ranked[:MOST_BESIDE])
            kept |= near
            drawn += [strongest[name] for name in ranked[:MOST_BESIDE]]
    # Of the lines that lead elsewhere only those that come back to the focus belong to it.
    ends = {_ends(edge) for edge in drawn}
    drawn += [
        edge for edge in inside if focus in _ends(edge) and kept.issuperset(_ends(edge)) and _ends(edge) not in ends
    ]
    nodes = [*(known[name] for name in levels if name in kept), *more]
    return FocusPart({**graph, "nodes": nodes, "edges": drawn}, len(levels), True)


def _ends(edge: Mapping[str, Any]) -> Ends:
    return edge["client_service"], edge["server_service"]


def _levels(edges: list[Mapping[str, Any]], focus: str, hops: int) -> dict[str, int]:
    """How many calls away each node is: positive where the focus leads to it, negative where it leads to the focus."""
    levels = {focus: 0}
    for side, near, far in ((1, "client_service", "server_service"), (-1, "server_service", "client_service")):
        following: dict[str, set[str]] = {}
        for edge in edges:
            following.setdefault(edge[near], set()).add(edge[far])
        frontier = {focus}
        for distance in range(1, hops + 1):
            frontier = {other for name in frontier for other in following.get(name, ())} - levels.keys()
            levels.update((name, side * distance) for name in sorted(frontier))
    return levels


def _strongest(
    edges: list[Mapping[str, Any]], levels: Mapping[str, int], near: set[str], *, level: int, side: int
) -> dict[str, Mapping[str, Any]]:
    """For each node of a level the edge that joins it to one that is drawn: the one with the most failed calls."""
    found: dict[str, Mapping[str, Any]] = {}
    for edge in edges:
        inner, outer = _ends(edge)[::side]
        if inner not in near or levels[outer] != level:
            continue
        if outer not in found or (*_weight(edge), inner) < (*_weight(found[outer]), _ends(found[outer])[::side][0]):
            found[outer] = edge
    return found


def _weight(edge: Mapping[str, Any]) -> tuple[int, int]:
    return -edge["errors"], -edge["calls"]


def _more(edges: list[Mapping[str, Any]], focus: str, *, side: int) -> dict[str, Any]:
    """A card for all that did not fit on one side of the focus; it opens the focus's own list of them."""
    name = f"{len(edges):,} more"
    return {
        "id": f"{MORE}{'called' if side > 0 else 'callers'}",
        "kind": GROUP,
        **_sums(edges),
        "name": name,
        "note": "that it calls" if side > 0 else "that call it",
        "opens": {"service": focus},
    }


def _merged_edge(edges: list[Mapping[str, Any]], more: str, focus: str, *, side: int) -> dict[str, Any]:
    client, server = (focus, more)[::side]
    return {"client_service": client, "server_service": server, "type": "call", **_sums(edges)}


def _sums(edges: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Calls and errors added up; of percentiles the highest, which no member exceeds."""
    percentiles = {
        name: max((edge[name] for edge in edges if edge[name] is not None), default=None)
        for name in ("p50_ms", "p95_ms")
    }
    return {name: sum(edge[name] for edge in edges) for name in ("calls", "errors")} | percentiles
