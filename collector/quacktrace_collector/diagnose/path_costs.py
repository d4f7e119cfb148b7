"""What each operation of a trace costs, told apart by its path of callers: traces are compared by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from quacktrace_collector.diagnose.critical_path import critical_path
from quacktrace_collector.diagnose.trace_tree import Rows, build_tree


class Operation(NamedTuple):
    """What a span does, whoever calls it."""

    service_name: str
    name: str
    kind: str


@dataclass(slots=True)
class PathCost:
    """One place in one trace."""

    critical_ns: int = 0
    """The part of the critical path that is this place's own."""
    calls: int = 0
    rows: list[int] = field(default_factory=list)
    """Its spans, by start time."""


@dataclass(frozen=True, slots=True)
class SpanColumns:
    """Spans of any number of traces; `parent` holds rows, -1 for none."""

    parent: Rows
    start_ns: Rows
    end_ns: Rows
    operations: Sequence[Operation]


class PathIndex:
    """Gives every path of operations a number, the same one in every trace."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, Operation], int] = {}
        self._places: list[tuple[int, Operation]] = []

    def number(self, parent: int, operation: Operation) -> int:
        """The place of `operation` called at the place `parent`; -1 is above the root."""
        place = (parent, operation)
        number = self._numbers.get(place)
        if number is None:
            number = self._numbers[place] = len(self._places)
            self._places.append(place)
        return number

    def path(self, number: int) -> list[Operation]:
        """The operations from the root down to the place."""
        path: list[Operation] = []
        while number >= 0:
            number, operation = self._places[number]
            path.append(operation)
        return path[::-1]


def path_costs(spans: SpanColumns, roots: Sequence[int], index: PathIndex) -> list[dict[int, PathCost]]:
    """For each root the costs of the places at and below it; the critical ones add up to its duration."""
    tree = build_tree(spans.parent, spans.start_ns)
    is_consumer = np.array([operation.kind == "CONSUMER" for operation in spans.operations], dtype=np.bool_)
    root_of = [-1] * len(spans.operations)
    for position, root in enumerate(roots):
        root_of[root] = position
    costs: list[dict[int, PathCost]] = [{} for _ in roots]
    places = [-1] * len(spans.operations)
    parents = tree.parent.tolist()
    for row in tree.order.tolist():
        above = parents[row]
        if root_of[row] < 0 <= above:
            root_of[row] = root_of[above]
        if root_of[row] < 0:
            continue
        places[row] = index.number(places[above] if above >= 0 else -1, spans.operations[row])
        cost = costs[root_of[row]].setdefault(places[row], PathCost())
        cost.calls += 1
        cost.rows.append(row)
    for position, root in enumerate(roots):
        for row, from_ns, to_ns in critical_path(
            tree, spans.start_ns, spans.end_ns, root=root, is_consumer=is_consumer
        ).segments:
            costs[position][places[row]].critical_ns += to_ns - from_ns
    return costs
