"""The search language of `q`: `service = cart and (status = error or duration > 200ms) "two words"`.

A search is compiled to conditions on one span and bounds of the trace's duration. Whatever a person typed is a bound
value, never SQL text. docs/querying.md says what it understands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quacktrace_collector.errors import SearchSyntaxError
from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.search.parser import parse
from quacktrace_collector.query.search.span_sql import add_node
from quacktrace_collector.query.search.trace_durations import duration_cases, of_span
from quacktrace_collector.query.search.tree import And, Never, Node, Or

_MOST_CASES: Final = 6


@dataclass(frozen=True, slots=True)
class SearchCase:
    """Traces of a duration and with such a span."""

    span: Conditions
    """What one and the same span has to fulfil."""
    min_duration_ns: int | None
    """The trace lasts at least this long."""
    max_duration_ns: int | None
    """And at most this long."""


@dataclass(frozen=True, slots=True)
class Search:
    """A compiled search."""

    node: Node
    cases: tuple[SearchCase, ...]
    """A trace has to fulfil one of them; their durations do not overlap."""

    @property
    def span(self) -> Conditions:
        """What a span has to fulfil, whatever the duration of its trace."""
        nodes = tuple(case.span for case in duration_cases(self.node))
        conditions = Conditions()
        add_node(conditions, nodes[0] if len(nodes) == 1 else Or(nodes, self.node.where) if nodes else Never())
        return conditions

    @property
    def terms(self) -> tuple[Node, ...]:
        """What has to hold together."""
        return self.node.nodes if isinstance(self.node, And) else (self.node,)


def parse_search(text: str) -> Search:
    """BadRequestError says which term is wrong, where, and how to write it."""
    node = parse(text)
    cases = []
    for case in duration_cases(node):
        conditions = Conditions()
        add_node(conditions, case.span)
        cases.append(SearchCase(conditions, case.min_duration_ns, case.max_duration_ns))
    if len(cases) > _MOST_CASES:
        raise SearchSyntaxError(
            "the search mixes too many durations with other terms",
            hint="use span.duration, which may stand anywhere",
            position=node.where.start,
        )
    return Search(node, tuple(cases))


def parse_span_search(text: str) -> Conditions:
    """The same for a list of spans, where `duration` is that of the span."""
    conditions = Conditions()
    add_node(conditions, of_span(parse(text)))
    return conditions
