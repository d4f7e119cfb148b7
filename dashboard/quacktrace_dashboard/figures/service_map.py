"""The service map's picture: the graph of the API with a place, a path and a text for everything that is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from quacktrace_dashboard.figures.edge_routes import EdgeRoute, route_edges
from quacktrace_dashboard.figures.focus_part import MOST_BESIDE, focus_part
from quacktrace_dashboard.figures.graph_parts import GROUP, group_id
from quacktrace_dashboard.figures.rates import rate_text
from quacktrace_dashboard.formatting import format_count, format_duration_ms, format_percent
from quacktrace_dashboard.map_layout import CARD_HEIGHT, CARD_WIDTH, TALLEST_COLUMN, Edge, Point, layout_map

MAX_NODES = 60
"""Above this a whole map is unreadable: the page asks for a service to focus on."""
LABELLED_NODES = 25
LABELLED_EDGES = 40
"""Above this only failing edges keep their label; the others show it when the pointer is on them."""
FOCUS_HOPS = 2
NODE_FAILING = 0.05
EDGE_FAILING = 0.01


def service_map_picture(graph: Mapping[str, Any], *, focus: str = "", hops: int = FOCUS_HOPS) -> dict[str, Any]:
    """Everything the map's asset needs to draw the graph, or its part around `focus`.

    `seconds` of 0 is a graph without a duration, such as a single trace: calls are counted instead of given a rate.
    """
    part = focus_part(graph, focus, hops=hops) if any(node["id"] == focus for node in graph["nodes"]) else None
    graph = part.graph if part else graph
    nodes: dict[str, Mapping[str, Any]] = {node["id"]: node for node in graph["nodes"]}
    shown = set(nodes)
    seconds = float(graph["seconds"])
    edges = _merged_edges(graph["edges"], shown)
    is_thinned = part is not None and part.is_thinned
    layout = layout_map(shown, edges, tallest=MOST_BESIDE + 1 if is_thinned else TALLEST_COLUMN)
    routes = route_edges(layout, edges)
    is_crowded = is_thinned or len(shown) > LABELLED_NODES or len(edges) > LABELLED_EDGES
    in_reading_order = sorted(shown, key=lambda name: (layout.centres[name], name))
    return {
        "key": f"{focus}\n{hops}",
        "focus": focus,
        "thinned_from": part.reached if part and is_thinned else None,
        "card": {"width": CARD_WIDTH, "height": CARD_HEIGHT},
        "bounds": _bounds(layout.centres.values(), routes.values()),
        "nodes": [
            {**_node(nodes[name], layout.centres[name], seconds), "is_focus": name == focus}
            for name in in_reading_order
        ],
        "edges": [
            _edge(edge, routes[edge], calls, seconds, crowded=is_crowded) for edge, calls in sorted(edges.items())
        ],
    }


def display_name(node_id: str, kind: str) -> tuple[str, str]:
    """A card's name and the note under it: `postgresql://db-0/orders` is `db-0/orders`, a postgresql database."""
    if kind == "service":
        return node_id, ""
    if kind == GROUP:
        return node_id.removeprefix(group_id("")), "namespace"
    system, separator, address = node_id.partition("://")
    if separator and address:
        return address, f"{system} {kind}" if system != kind else kind
    system, separator, client = node_id.partition("@")
    if separator and client:
        return system, f"{kind} of {client}"
    return node_id, kind


def _node(node: Mapping[str, Any], centre: Point, seconds: float) -> dict[str, Any]:
    calls, errors = node["calls"], node["errors"]
    share = errors / calls if calls else 0.0
    name, note = display_name(node["id"], node["kind"])
    opens: dict[str, str | None] | None = None
    per_second = _volume(calls, seconds)
    p95 = format_duration_ms(node["p95_ms"])
    failed = f"{format_percent(share)} errors" if errors else "no errors"
    kind = node["kind"] if node["kind"] == "service" else f"{node['kind']}, inferred from its callers"
    title = node["id"]
    if "opens" in node:
        name, note, opens, kind = node["name"], node["note"], node["opens"], "a list of them"
        title = f"{name} {note}"
    elif node["kind"] == GROUP:
        note, kind = f"{format_count(node['members'])} inside", f"a namespace of {format_count(node['members'])}"
        opens = {"namespace": name, "service": None}
    return {
        "id": node["id"],
        "kind": node["kind"],
        "x": centre.x,
        "y": centre.y,
        "name": name,
        "note": note.removeprefix(f"{node['kind']} "),  # a symbol and the shape say the kind
        "rate": f"{per_second} · p95 {p95}",
        "share": format_percent(share) if errors else "ok",
        # A sliver is still seen, and a full ring means every call.
        "arc": round(max(share, 0.04), 4) if errors else 0,
        "is_failing": share >= NODE_FAILING,
        "opens": opens,
        "title": f"{title}\n{kind}\n{per_second} · p95 {p95} · {failed}",
        "description": f"{title}, {kind}: {per_second}, p95 {p95}, {failed}",
    }


def _edge(
    edge: Edge, route: EdgeRoute, kinds: Sequence[Mapping[str, Any]], seconds: float, *, crowded: bool
) -> dict[str, Any]:
    calls = sum(kind["calls"] for kind in kinds)
    errors = sum(kind["errors"] for kind in kinds)
    share = errors / calls if calls else 0.0
    slowest = max((kind["p95_ms"] for kind in kinds if kind["p95_ms"] is not None), default=None)
    label = f"{_volume(calls, seconds)} {format_duration_ms(slowest)}" + (f" {format_percent(share)}" if errors else "")
    is_failing = share > EDGE_FAILING
    return {
        "id": f"{len(edge[0])}:{edge[0]}>{edge[1]}",
        "client_service": edge[0],
        "server_service": edge[1],
        "type": kinds[0]["type"],
        "path": route.path,
        "width": round(min(6.0, 1.2 + 0.9 * math.log10(1 + 60 * calls / seconds)), 2) if seconds > 0 else 1.2,
        "label": label,
        "label_x": route.label.x,
        "label_y": route.label.y,
        "is_failing": is_failing,
        "is_quiet": not is_failing and (crowded or not route.has_room),
        "title": f"{edge[0]} → {edge[1]}\n"
        + "\n".join(
            f"{kind['type']}: {_volume(kind['calls'], seconds)}, p50 {format_duration_ms(kind['p50_ms'])}, "
            f"p95 {format_duration_ms(kind['p95_ms'])}, {kind['errors']} of {kind['calls']} failed"
            for kind in kinds
        ),
    }


def _volume(calls: float, seconds: float) -> str:
    return rate_text(calls, seconds) if seconds else f"{format_count(calls)} {'call' if calls == 1 else 'calls'}"


def _merged_edges(edges: Iterable[Mapping[str, Any]], shown: set[str]) -> dict[Edge, list[Mapping[str, Any]]]:
    """One line for each pair of nodes, calls before links, however many types of edge join them."""
    merged: dict[Edge, list[Mapping[str, Any]]] = {}
    for edge in sorted(edges, key=lambda edge: edge["type"]):
        if edge["client_service"] in shown and edge["server_service"] in shown:
            merged.setdefault((edge["client_service"], edge["server_service"]), []).append(edge)
    return merged


def _bounds(centres: Iterable[Point], routes: Iterable[EdgeRoute]) -> list[float] | None:
    points = list(centres)
    if not points:
        return None
    return [
        min(point.x for point in points) - CARD_WIDTH / 2,
        min(point.y for point in points) - CARD_HEIGHT / 2,
        max(point.x for point in points) + CARD_WIDTH / 2,
        max(max(point.y for point in points) + CARD_HEIGHT / 2, *(route.lowest for route in routes), -math.inf),
    ]
