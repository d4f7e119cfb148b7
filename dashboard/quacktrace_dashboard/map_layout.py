"""Where each card of the service map stands: a layered drawing that is a pure function of the nodes and edges.

The same graph gives the same picture on every reload, for every viewer. Steps: find the edges that close a cycle, rank
the rest by longest path (no column taller than the page is wide), order each column by barycentre sweeps, then move
cards towards their neighbours without changing the order. Long edges get a waypoint in every column they cross, so that
they pass between cards and not behind them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

CARD_WIDTH = 176
CARD_HEIGHT = 60
COLUMN_GAP = 122
ROW_GAP = 26
LANE_HEIGHT = 18
TALLEST_COLUMN = 8
SWEEPS = 8
ALIGN_PASSES = 15

Edge = tuple[str, str]
Slot = str | tuple[str, str, int]
"""A place in a column: a node's name, or the waypoint of an edge in that column."""
Neighbours = Mapping[Slot, tuple[list[Slot], list[Slot]]]
"""What a slot is joined to in the column to its left and in the one to its right."""


class Point(NamedTuple):
    """A position in the map's own units; y grows downwards."""

    x: float
    y: float


@dataclass(frozen=True)
class MapLayout:
    """The finished drawing."""

    centres: Mapping[str, Point]
    """The middle of each node's card."""
    waypoints: Mapping[Edge, tuple[Point, ...]]
    """Points between client and server that a long edge goes through, left to right; only edges that have some."""
    return_edges: frozenset[Edge]
    """Edges that close a cycle: drawn backwards, as arcs."""


def layout_map(nodes: Iterable[str], edges: Iterable[Edge], *, tallest: int = TALLEST_COLUMN) -> MapLayout:
    """Place every node, including those that only an edge names; a small map has at most `tallest` in a column."""
    edge_list = sorted(set(edges))
    names = sorted({*nodes, *(name for edge in edge_list for name in edge)})
    return_edges = _edges_that_close_a_cycle(names, edge_list)
    forward = [edge for edge in edge_list if edge not in return_edges]
    connected = {name for edge in edge_list for name in edge}
    linked = [name for name in names if name in connected]
    ranks = _ranks(linked, forward, tallest)
    columns, neighbours = _columns(linked, forward, ranks)
    _sweep(columns, neighbours)
    heights = _align(columns, neighbours)
    at = {slot: Point(_column_x(i), round(heights[slot], 1)) for i, column in enumerate(columns) for slot in column}
    centres = {name: at[name] for name in linked}
    centres.update(_grid([name for name in names if name not in connected], centres))
    waypoints = {
        (client, server): tuple(at[client, server, i] for i in range(ranks[client] + 1, ranks[server]))
        for client, server in forward
        if ranks[server] - ranks[client] > 1
    }
    return MapLayout(centres, waypoints, frozenset(return_edges))


def _column_x(index: int) -> float:
    return float(index * (CARD_WIDTH + COLUMN_GAP))


def _adjacency(names: Sequence[str], edges: Iterable[Edge]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    servers_of: dict[str, list[str]] = {name: [] for name in names}
    clients_of: dict[str, list[str]] = {name: [] for name in names}
    for client, server in edges:
        servers_of[client].append(server)
        clients_of[server].append(client)
    return servers_of, clients_of


def _edges_that_close_a_cycle(names: Sequence[str], edges: Sequence[Edge]) -> set[Edge]:
    """Edges to a node on the current path of a depth-first walk that starts where nothing calls."""
    servers_of, clients_of = _adjacency(names, edges)
    closing: set[Edge] = set()
    finished: set[str] = set()
    on_path: set[str] = set()
    for start in sorted(names, key=lambda name: (bool(clients_of[name]), name)):
        if start in finished:
            continue
        on_path.add(start)
        stack = [(start, iter(servers_of[start]))]
        while stack:
            name, servers = stack[-1]
            server = next(servers, None)
            if server is None:
                stack.pop()
                on_path.discard(name)
                finished.add(name)
            elif server in on_path:
                closing.add((name, server))
            elif server not in finished:
                on_path.add(server)
                stack.append((server, iter(servers_of[server])))
    return closing


def _ranks(names: Sequence[str], forward: Sequence[Edge], tallest: int) -> dict[str, int]:
    """Column of each node: after all its clients, and few enough to a column that the map keeps a page's shape."""
    servers_of, clients_of = _adjacency(names, forward)
    depth = _longest_path(names, clients_of, servers_of)
    height = _longest_path(names, servers_of, clients_of)
    limit = max(tallest, math.ceil(math.sqrt(2.1 * len(names))))
    ranks: dict[str, int] = {}
    filled: dict[int, int] = {}
    for name in sorted(names, key=lambda name: (depth[name], -height[name], name)):
        rank = max((ranks[client] + 1 for client in clients_of[name]), default=0)
        while filled.get(rank, 0) >= limit:
            rank += 1
        ranks[name] = rank
        filled[rank] = filled.get(rank, 0) + 1
    for name in names:
        # An entry point that is only called late stands next to what it calls, not at the far left with a long line.
        if not clients_of[name] and servers_of[name]:
            beside = min(ranks[server] for server in servers_of[name]) - 1
            if filled.get(beside, 0) < limit:
                filled[ranks[name]] -= 1
                filled[beside] = filled.get(beside, 0) + 1
                ranks[name] = beside
    return ranks


def _longest_path(
    names: Sequence[str], before: Mapping[str, list[str]], after: Mapping[str, list[str]]
) -> dict[str, int]:
    waiting = {name: len(before[name]) for name in names}
    ready = [name for name in names if not waiting[name]]
    length = dict.fromkeys(names, 0)
    for name in ready:
        for following in after[name]:
            length[following] = max(length[following], length[name] + 1)
            waiting[following] -= 1
            if not waiting[following]:
                ready.append(following)
    return length


def _columns(
    names: Sequence[str], forward: Sequence[Edge], ranks: Mapping[str, int]
) -> tuple[list[list[Slot]], dict[Slot, tuple[list[Slot], list[Slot]]]]:
    """The slots of each column, and of each slot its neighbours to the left and to the right."""
    columns: list[list[Slot]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    neighbours: dict[Slot, tuple[list[Slot], list[Slot]]] = {}
    for name in names:
        columns[ranks[name]].append(name)
        neighbours[name] = ([], [])
    for client, server in forward:
        chain: list[Slot] = [client]
        for index in range(ranks[client] + 1, ranks[server]):
            waypoint = (client, server, index)
            columns[index].append(waypoint)
            neighbours[waypoint] = ([], [])
            chain.append(waypoint)
        chain.append(server)
        for left, right in pairwise(chain):
            neighbours[left][1].append(right)
            neighbours[right][0].append(left)
    return columns, neighbours


def _sweep(columns: list[list[Slot]], neighbours: Neighbours) -> None:
    """Order every column by the mean place of its neighbours, there and back; keep the order with fewest crossings."""
    best, best_crossings = [list(column) for column in columns], _crossings(columns, neighbours)
    for sweep in range(SWEEPS):
        rightwards = sweep % 2 == 0
        side = 0 if rightwards else 1
        for index in range(len(columns)) if rightwards else reversed(range(len(columns))):
            beside = index - 1 if rightwards else index + 1
            if not 0 <= beside < len(columns):
                continue
            place = {slot: i / len(columns[beside]) for i, slot in enumerate(columns[beside])}
            own = {slot: i / len(columns[index]) for i, slot in enumerate(columns[index])}
            wanted = {}
            for slot in columns[index]:
                beyond = neighbours[slot][side]
                mean = sum(place[other] for other in beyond) / len(beyond) if beyond else own[slot]
                wanted[slot] = (mean, _label(slot))
            columns[index].sort(key=wanted.__getitem__)
        crossings = _crossings(columns, neighbours)
        if crossings < best_crossings:
            best, best_crossings = [list(column) for column in columns], crossings
    columns[:] = best


def _label(slot: Slot) -> tuple[str, ...]:
    return (slot,) if isinstance(slot, str) else (slot[0], slot[1])


def _crossings(columns: Sequence[Sequence[Slot]], neighbours: Neighbours) -> int:
    """How often edges cross, counted column pair by column pair with a Fenwick tree."""
    crossings = 0
    for left, right in pairwise(columns):
        place = {slot: i for i, slot in enumerate(right)}
        tree = [0] * (len(right) + 1)
        seen = 0
        for slot in left:
            ends = sorted(place[other] for other in neighbours[slot][1])
            for end in ends:
                index, not_below = end + 1, 0
                while index:
                    not_below += tree[index]
                    index &= index - 1
                crossings += seen - not_below
            for end in ends:
                index = end + 1
                while index < len(tree):
                    tree[index] += 1
                    index += index & -index
            seen += len(ends)
    return crossings


def _align(columns: Sequence[Sequence[Slot]], neighbours: Neighbours) -> dict[Slot, float]:
    """The y of every slot: as near to its neighbours' mean as its column's order and spacing let it be.

    The last pass goes rightwards, so that a leaf stands exactly beside its only client, and the sources then follow
    their servers.
    """
    offsets = [_offsets(column) for column in columns]
    heights = {
        slot: offset - (column_offsets[-1] if column_offsets else 0) / 2
        for column, column_offsets in zip(columns, offsets, strict=True)
        for slot, offset in zip(column, column_offsets, strict=True)
    }
    for step in range(ALIGN_PASSES):
        order = range(len(columns)) if step % 2 == 0 else reversed(range(len(columns)))
        for index in order:
            _settle(columns[index], offsets[index], neighbours, heights, only_sources=False)
    for index in reversed(range(len(columns))):
        _settle(columns[index], offsets[index], neighbours, heights, only_sources=True)
    return heights


def _settle(
    column: Sequence[Slot],
    offsets: Sequence[float],
    neighbours: Neighbours,
    heights: dict[Slot, float],
    *,
    only_sources: bool,
) -> None:
    wanted = []
    for slot, offset in zip(column, offsets, strict=True):
        left, right = neighbours[slot]
        around = (*left, *right) if not (only_sources and left) else ()
        mean = sum(heights[other] for other in around) / len(around) if around else heights[slot]
        wanted.append(mean - offset)
    for slot, offset, y in zip(column, offsets, _isotonic(wanted), strict=True):
        heights[slot] = y + offset


def _offsets(column: Sequence[Slot]) -> list[float]:
    """The y of each slot in a column packed as tightly as cards and lanes allow."""
    offsets: list[float] = []
    for i, slot in enumerate(column):
        if i:
            gap = (_slot_height(column[i - 1]) + _slot_height(slot)) / 2
            offsets.append(offsets[-1] + gap)
        else:
            offsets.append(0.0)
    return offsets


def _slot_height(slot: Slot) -> float:
    return CARD_HEIGHT + ROW_GAP if isinstance(slot, str) else LANE_HEIGHT


def _isotonic(wanted: Sequence[float]) -> list[float]:
    """The non-decreasing sequence nearest to the wanted one (pool adjacent violators)."""
    blocks: list[tuple[float, int]] = []
    for value in wanted:
        mean, size = value, 1
        while blocks and blocks[-1][0] > mean:
            other_mean, other_size = blocks.pop()
            mean = (mean * size + other_mean * other_size) / (size + other_size)
            size += other_size
        blocks.append((mean, size))
    return [mean for mean, size in blocks for _ in range(size)]


def _grid(names: Sequence[str], placed: Mapping[str, Point]) -> dict[str, Point]:
    """Nodes without any edge, in rows below the rest."""
    top = max((point.y for point in placed.values()), default=-CARD_HEIGHT - 2 * ROW_GAP) + CARD_HEIGHT + 2 * ROW_GAP
    across = max(3, math.ceil(math.sqrt(len(names) / 2.1)))
    if placed:
        across = max(across, 1 + round(max(point.x for point in placed.values()) / _column_x(1)))
    return {
        name: Point(_column_x(i % across), round(top + (i // across) * (CARD_HEIGHT + ROW_GAP), 1))
        for i, name in enumerate(names)
    }
