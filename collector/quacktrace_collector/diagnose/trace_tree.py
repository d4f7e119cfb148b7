"""A trace's spans as a forest: depth-first order, depth and children, for any parents that telemetry may claim."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TraceTree:
    """Rows are positions in the arrays that `build_tree` was given."""

    parent: Rows
    """Row of the parent, -1 for none; rows that closed a cycle have lost theirs."""
    order: Rows
    """All rows, depth first, siblings by start time."""
    depth: Rows
    """By row; 0 for a row without parent."""
    repaired: npt.NDArray[np.bool_]
    """By row: true where the parent was dropped because the row was its own ancestor."""
    children: list[int]
    """All rows that have a parent, grouped by it, by start time within a group."""
    first_child: list[int]
    """`children[first_child[row]:first_child[row + 1]]` are the children of `row`."""


def build_tree(parent: Rows, start_ns: Rows) -> TraceTree:
    """Never recurses and never fails: of the spans of a parent cycle the one that starts first becomes a root."""
    parent = parent.copy()
    repaired = np.zeros(len(parent), dtype=np.bool_)
    own_parents = parent == np.arange(len(parent))
    parent[own_parents], repaired[own_parents] = -1, True
    while True:
        children, first_child = _group_by_parent(parent, start_ns)
        roots = np.flatnonzero(parent < 0)
        roots = roots[np.lexsort((roots, start_ns[roots]))]
        order, depth = _walk(roots.tolist(), children, first_child, len(parent))
        if len(order) == len(parent):
            return TraceTree(parent, np.array(order, dtype=np.int64), np.array(depth), repaired, children, first_child)
        cut = _cycle_starts(parent, depth, start_ns)
        parent[cut], repaired[cut] = -1, True


def subtree_sizes(tree: TraceTree) -> Rows:
    """By row: the number of spans at and below it."""
    position = np.empty_like(tree.order)
    position[tree.order] = np.arange(len(tree.order))
    depths = tree.depth[tree.order].tolist()
    sizes = [0] * len(depths)
    open_positions: list[int] = []
    for index, depth in enumerate(depths):
        while len(open_positions) > depth:
            opened = open_positions.pop()
            sizes[opened] = index - opened
        open_positions.append(index)
    for opened in open_positions:
        sizes[opened] = len(depths) - opened
    return np.array(sizes, dtype=np.int64)[position]


def _group_by_parent(parent: Rows, start_ns: Rows) -> tuple[list[int], list[int]]:
    rows = np.flatnonzero(parent >= 0)
    rows = rows[np.lexsort((rows, start_ns[rows], parent[rows]))]
    first_child = np.searchsorted(parent[rows], np.arange(len(parent) + 1))
    return rows.tolist(), first_child.tolist()


def _walk(roots: list[int], children: list[int], first_child: list[int], count: int) -> tuple[list[int], list[int]]:
    """A plain loop: 12 ms for 50,000 spans, and a chain of 50,000 would need as many vectorised steps as it is deep."""
    order: list[int] = []
    depth = [-1] * count
    stack = roots[::-1]
    for root in roots:
        depth[root] = 0
    while stack:
        row = stack.pop()
        order.append(row)
        below = children[first_child[row] : first_child[row + 1]]
        if below:
            deeper = depth[row] + 1
            for child in below:
                depth[child] = deeper
            below.reverse()
            stack += below
    return order, depth


def _cycle_starts(parent: Rows, depth: list[int], start_ns: Rows) -> list[int]:
    """One row of each cycle among the rows that no root reaches (depth -1)."""
    parents, starts = parent.tolist(), start_ns.tolist()
    seen_by = [-1] * len(parents)
    cut = []
    for row in range(len(parents)):
        if depth[row] >= 0 or seen_by[row] >= 0:
            continue
        walker = row
        while depth[walker] < 0 and seen_by[walker] < 0:
            seen_by[walker] = row
            walker = parents[walker]
        if depth[walker] < 0 and seen_by[walker] == row:
            cycle = [walker]
            while parents[cycle[-1]] != walker:
                cycle.append(parents[cycle[-1]])
            cut.append(min(cycle, key=lambda member: (starts[member], member)))
    return cut
