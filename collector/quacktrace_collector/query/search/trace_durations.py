"""Searches that mix the trace's duration with conditions on a span, as cases that bound the one and state the other.

`duration` terms cut time into intervals; within one of them every such term is plainly true or false, so that what is
left concerns a span alone. `duration > 1s or status = error` has two cases: up to 1 s with an error, and beyond.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, assert_never

from quacktrace_collector.query.search.fields import field_of
from quacktrace_collector.query.search.tree import (
    Always,
    And,
    Compare,
    Exists,
    NameContains,
    Never,
    Node,
    Not,
    Or,
    Pattern,
    TraceDuration,
)


@dataclass(frozen=True, slots=True)
class DurationCase:
    """Traces that last from `min_duration_ns` to `max_duration_ns`, both included, and have a span like `span`."""

    min_duration_ns: int | None
    max_duration_ns: int | None
    span: Node


def duration_cases(node: Node) -> list[DurationCase]:
    """The cases of a search, shortest first; none where no trace could fulfil it."""
    cuts = sorted({cut for cut in _cuts(node) if cut > 0})
    cases: list[DurationCase] = []
    for first, end in zip([None, *cuts], [*cuts, None], strict=True):
        span = _at(node, first or 0)
        if cases and cases[-1].span == span and cases[-1].max_duration_ns == (first or 0) - 1:
            cases[-1] = replace(cases[-1], max_duration_ns=None if end is None else end - 1)
        else:
            cases.append(DurationCase(first, None if end is None else end - 1, span))
    return [case for case in cases if not isinstance(case.span, Never)]


def _cuts(node: Node) -> Iterator[int]:
    match node:
        case TraceDuration():
            if node.comparison in ("<", ">=", "=", "!="):
                yield node.duration_ns
            if node.comparison in ("<=", ">", "=", "!="):
                yield node.duration_ns + 1
        case And() | Or():
            for part in node.nodes:
                yield from _cuts(part)
        case Not():
            yield from _cuts(node.node)


def _at(node: Node, duration_ns: int) -> Node:
    """What is left of the node for a trace that lasts so long."""
    match node:
        case TraceDuration():
            return Always() if _HOLDS[node.comparison](duration_ns, node.duration_ns) else Never()
        case Not():
            inner = _at(node.node, duration_ns)
            if isinstance(inner, Always | Never):
                return Never() if isinstance(inner, Always) else Always()
            return replace(node, node=inner)
        case And() | Or():
            absorbing, neutral = (Never, Always) if isinstance(node, And) else (Always, Never)
            parts = [_at(part, duration_ns) for part in node.nodes]
            if any(isinstance(part, absorbing) for part in parts):
                return absorbing()
            rest = tuple(part for part in parts if not isinstance(part, neutral))
            return neutral() if not rest else rest[0] if len(rest) == 1 else replace(node, nodes=rest)
        case Always() | Never() | NameContains() | Compare() | Exists():
            return node
    assert_never(node)


_HOLDS: Final = {
    "=": int.__eq__,
    "!=": int.__ne__,
    "<": int.__lt__,
    "<=": int.__le__,
    ">": int.__gt__,
    ">=": int.__ge__,
}


def of_span(node: Node) -> Node:
    """The same search with every duration being the span's own."""
    match node:
        case TraceDuration():
            own = field_of("span.duration")
            return Compare(own, node.comparison, Pattern((str(node.duration_ns),)), node.where)
        case Not():
            return replace(node, node=of_span(node.node))
        case And() | Or():
            return replace(node, nodes=tuple(of_span(part) for part in node.nodes))
        case _:
            return node
