"""The paths of the service map's edges and the places of their labels, in the layout's units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from quacktrace_dashboard.map_layout import CARD_HEIGHT, CARD_WIDTH, Edge, MapLayout, Point

LABEL_WIDTH = 96
LABEL_HEIGHT = 14
LABEL_LIFT = 9
"""How far above a flat line its label stands, which else would hide most of it and the arrow."""
LABEL_PLACES = (0.7, 0.56, 0.42, 0.82, 0.3)
"""Shares of an edge's last curve, tried in this order: near the target, where parallel edges have parted."""
RETURN_REACH = 56
RETURN_LANE = 14
ARROW_GAP = 3


@dataclass(frozen=True)
class EdgeRoute:
    """One drawn edge."""

    path: str
    """SVG path data."""
    label: Point
    """The middle of the label's baseline."""
    has_room: bool
    """Whether the label there covers no card and no label placed before it."""
    lowest: float
    """The largest y that the path reaches."""


Curve = tuple[Point, Point, Point, Point]


def route_edges(layout: MapLayout, edges: Iterable[Edge]) -> dict[Edge, EdgeRoute]:
    """Draw every edge; labels are placed in the order of the edges' names, so a refresh does not move them."""
    taken = [(centre, CARD_WIDTH, CARD_HEIGHT) for centre in layout.centres.values()]
    routes: dict[Edge, EdgeRoute] = {}
    arcs = 0
    for edge in sorted(set(edges)):
        if edge in layout.return_edges:
            curves = _return_curves(layout, edge, lane=arcs)
            labelled = curves[1]
            arcs += edge[0] != edge[1]
        else:
            curves = _forward_curves(layout, edge)
            labelled = curves[-1]
        is_flat = abs(labelled[3].y - labelled[0].y) < LABEL_HEIGHT
        places = (0.5, *LABEL_PLACES) if is_flat else LABEL_PLACES
        lift = LABEL_LIFT if is_flat else 0
        candidates = [Point(at.x, at.y - lift) for at in (_at(labelled, place) for place in places)]
        spot = next((point for point in candidates if _is_free(point, taken)), None)
        if spot is not None:
            taken.append((spot, LABEL_WIDTH, LABEL_HEIGHT))
        label = spot or candidates[0]
        routes[edge] = EdgeRoute(
            path=_path(curves),
            label=Point(round(label.x, 1), round(label.y + LABEL_HEIGHT / 4, 1)),
            has_room=spot is not None,
            lowest=max(point.y for curve in curves for point in curve),
        )
    return routes


def _forward_curves(layout: MapLayout, edge: Edge) -> list[Curve]:
    start, end = layout.centres[edge[0]], layout.centres[edge[1]]
    stops = [Point(start.x + CARD_WIDTH / 2, start.y)]
    for point in layout.waypoints.get(edge, ()):
        stops += (Point(point.x - CARD_WIDTH / 2, point.y), Point(point.x + CARD_WIDTH / 2, point.y))
    stops.append(Point(end.x - CARD_WIDTH / 2 - ARROW_GAP, end.y))
    curves: list[Curve] = []
    for a, b in pairwise(stops):
        middle = (a.x + b.x) / 2
        curves.append((a, Point(middle, a.y), Point(middle, b.y), b))
    return curves


def _return_curves(layout: MapLayout, edge: Edge, *, lane: int) -> list[Curve]:
    """Out on the right, back below every card of the columns between, and in on the left."""
    start, end = layout.centres[edge[0]], layout.centres[edge[1]]
    right, left = start.x + CARD_WIDTH / 2, end.x - CARD_WIDTH / 2
    if start == end:
        depth = start.y + CARD_HEIGHT / 2 + RETURN_LANE
    else:
        below = max(point.y for point in layout.centres.values() if end.x <= point.x <= start.x)
        depth = below + CARD_HEIGHT / 2 + (2 + lane % 6) * RETURN_LANE
    leave, arrive = start.y + CARD_HEIGHT / 4, end.y + CARD_HEIGHT / 4
    reach = RETURN_REACH
    return [
        (Point(right, leave), Point(right + reach, leave), Point(right + reach, depth), Point(right, depth)),
        (Point(right, depth), Point(right, depth), Point(left, depth), Point(left, depth)),
        (
            Point(left, depth),
            Point(left - reach, depth),
            Point(left - reach, arrive),
            Point(left - ARROW_GAP, arrive),
        ),
    ]


def _path(curves: Sequence[Curve]) -> str:
    start = curves[0][0]
    return f"M{start.x:g} {start.y:g}" + "".join(
        f"C{b.x:g} {b.y:g} {c.x:g} {c.y:g} {d.x:g} {d.y:g}" for _, b, c, d in curves
    )


def _at(curve: Curve, share: float) -> Point:
    """The point of a cubic Bézier curve at a share of its parameter."""
    rest = 1 - share
    weights = (rest**3, 3 * rest**2 * share, 3 * rest * share**2, share**3)
    return Point(
        sum(weight * point.x for weight, point in zip(weights, curve, strict=True)),
        sum(weight * point.y for weight, point in zip(weights, curve, strict=True)),
    )


def _is_free(point: Point, taken: Iterable[tuple[Point, float, float]]) -> bool:
    return not any(
        abs(other.x - point.x) < (width + LABEL_WIDTH) / 2 and abs(other.y - point.y) < (height + LABEL_HEIGHT) / 2
        for other, width, height in taken
    )
