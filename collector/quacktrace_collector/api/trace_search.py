"""The parameters that say which traces and spans are wanted: `q`, `service`, `operation`, `status`, durations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quacktrace_collector.api import parameters
from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.search.tree import Node, Or
from quacktrace_collector.query.search_language import SearchCase, parse_search, parse_span_search
from quacktrace_collector.query.traces import TraceFilter

_MOST_FILTERS: Final = 8
_LABELS: Final = {
    "service": "service",
    "operation": "operation",
    "status": "status",
    "min_duration": "at least",
    "max_duration": "at most",
}


def trace_cases(query: parameters.Parameters) -> list[TraceFilter]:
    """Which traces: those that fulfil one of the cases. Durations are the trace's."""
    return [_trace_filter(query, case) for case in parse_search(parameters.text(query, "q") or "").cases]


def span_conditions(query: parameters.Parameters) -> Conditions:
    """Which spans, as they are in the traces of `trace_cases`."""
    conditions = parse_search(parameters.text(query, "q") or "").span
    _add_parameters(query, conditions, has_status=True)
    return conditions


def own_span_conditions(query: parameters.Parameters) -> Conditions:
    """Which spans, where spans themselves are listed: durations are then the span's own."""
    conditions = parse_span_search(parameters.text(query, "q") or "")
    _add_parameters(query, conditions, has_status=True)
    if parameters.choice(query, "status", ("error", "ok")) == "ok":
        conditions.clauses.append("status_code <> 'ERROR'")
    for name, comparison in (("min_duration", ">="), ("max_duration", "<=")):
        bound = parameters.duration_ns(query, name)
        if bound is not None:
            conditions.clauses.append(f"duration_ns {comparison} {conditions.bind(bound)}")
    return conditions


def _trace_filter(query: parameters.Parameters, case: SearchCase) -> TraceFilter:
    status = parameters.choice(query, "status", ("error", "ok"))
    service = parameters.text(query, "service")
    _add_parameters(query, case.span, has_status=False)
    shortest = [case.min_duration_ns, parameters.duration_ns(query, "min_duration")]
    longest = [case.max_duration_ns, parameters.duration_ns(query, "max_duration")]
    return TraceFilter(
        service=service,
        span=case.span,
        min_duration_ns=max((bound for bound in shortest if bound is not None), default=None),
        max_duration_ns=min((bound for bound in longest if bound is not None), default=None),
        with_error=status == "error",
        without_error=status == "ok",
    )


def _add_parameters(query: parameters.Parameters, conditions: Conditions, *, has_status: bool) -> None:
    """The parameters as conditions on the span; where the trace index alone can answer, there are none."""
    service, operation = parameters.text(query, "service"), parameters.text(query, "operation")
    is_error = parameters.choice(query, "status", ("error", "ok")) == "error"
    if operation is not None:
        conditions.add_equals("name", operation)
    if service is not None and (conditions or is_error or has_status):
        conditions.add_equals("service_name", service)
    if is_error and (conditions or has_status):
        conditions.add_equals("status_code", "ERROR")


@dataclass(frozen=True, slots=True)
class FilterInForce:
    """One of the filters that have to hold together."""

    text: str
    """As a person would say it."""
    parameter: str
    """The parameter that has it."""
    rest: str
    """What the parameter is without it."""


def filters_in_force(query: parameters.Parameters) -> list[FilterInForce]:
    """The terms of `q` and the other parameters that filter, at most eight."""
    filters: list[FilterInForce] = []
    q = parameters.text(query, "q") or ""
    terms = parse_search(q).terms if q.strip() else ()
    for number, term in enumerate(terms):
        rest = [_source(q, other) for other in (*terms[:number], *terms[number + 1 :])]
        filters.append(FilterInForce(q[term.where.start : term.where.end], "q", " and ".join(rest)))
    for name, label in _LABELS.items():
        value = parameters.text(query, name)
        if value is not None:
            filters.append(FilterInForce(f"{label} {value}", name, ""))
    return filters[:_MOST_FILTERS]


def without_filter(query: parameters.Parameters, one: FilterInForce) -> dict[str, str]:
    """The parameters without it."""
    return {**query, one.parameter: one.rest}


def _source(q: str, node: Node) -> str:
    text = q[node.where.start : node.where.end]
    return f"({text})" if isinstance(node, Or) and not text.startswith("(") else text
