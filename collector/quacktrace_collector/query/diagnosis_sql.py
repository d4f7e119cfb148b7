"""The SQL over the public views that counts a change again, over the same traces.

A query of a user has three seconds and some 300 MB: of ranges with more spans than a diagnosis reads it takes the same
share of the traces, and it groups only what belongs to the operation. Over two ranges of 1.2 million spans that takes
0.1 to 0.9 s of CPU; without either it needed more memory than it may have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from quacktrace_collector.query.timestamps import format_time
from quacktrace_collector.store.views import quote_literal
from quacktrace_collector.time_range import TimeRange

_COLUMNS: Final = "trace_id, span_id, parent_span_id, service_name, name, duration_ns, status_code"
_QUANTILES: Final = "median({0}) / 1e6 as p50_ms, avg({0}) / 1e6 as mean_ms"


@dataclass(frozen=True, slots=True)
class Sampled:
    """A range of which every nth trace is read."""

    range: TimeRange
    one_in: int


def change_as_sql(change: Mapping[str, Any], *, window: Sampled, baseline: Sampled) -> str:
    """One row for the baseline, one for the window."""
    first = min(window.range.from_ns, baseline.range.from_ns)
    last = max(window.range.to_ns, baseline.range.to_ns)
    is_mine, further, measure, joins = _PARTS[change["kind"]](change)
    return (
        "with near as materialized (\n"
        f"    select {_COLUMNS}, {_within(window.range)} as is_current\n    from spans\n"
        f"    where {_within(TimeRange(first, last))}\n"
        f"        and ({_chosen(window)}\n            or {_chosen(baseline)})\n"
        f"),\nmine as (\n    select * from near where {is_mine}\n)"
        + "".join(f",\n{name} as (\n    {select}\n)" for name, select in further.items())
        + f"\nselect span.is_current, count(*) as calls, {measure}\nfrom mine as span\n"
        + "".join(f"{join}\n" for join in joins)
        + "group by all\norder by span.is_current"
    )


_Parts = tuple[str, dict[str, str], str, list[str]]
"""The condition of `mine`, further tables, what is measured, and joins with `mine as span`."""


def _latency(change: Mapping[str, Any]) -> _Parts:
    children = (
        "select child.trace_id, child.parent_span_id, sum(child.duration_ns) as duration_ns\n"
        f"    from near as child semi join mine on {_is_below('child', 'mine')}\n    group by all"
    )
    own = "greatest(span.duration_ns - coalesce(children.duration_ns, 0), 0)"
    joins = [f"left join children on {_is_below('children', 'span')}"]
    return _of_operation(change), {"children": children}, _QUANTILES.format(own), joins


def _network(change: Mapping[str, Any]) -> _Parts:
    is_mine = f"service_name = {quote_literal(change['client_service'])}"
    is_answer = f"child.service_name = {quote_literal(change['server_service'])}"
    joins = [f"inner join near as child on {_is_below('child', 'span')} and {is_answer}"]
    return is_mine, {}, _QUANTILES.format("greatest(span.duration_ns - child.duration_ns, 0)"), joins


def _errors(change: Mapping[str, Any]) -> _Parts:
    return (
        _of_operation(change),
        {},
        "count(*) filter (span.status_code = 'ERROR') as errors, errors / calls as error_rate",
        [],
    )


def _answers(change: Mapping[str, Any]) -> _Parts:
    answers = f"select distinct trace_id, parent_span_id from near where {_is_operation(change, 'child')}"
    joins = [f"left join answers on {_is_below('answers', 'span')}"]
    return _of_operation(change), {"answers": answers}, "count(answers.trace_id) as answered", joins


def _calls(change: Mapping[str, Any]) -> _Parts:
    clients = (
        "select client.trace_id, client.span_id, client.parent_span_id, client.service_name\n"
        f"    from near as client semi join mine on {_is_below('client', 'mine')}"
    )
    further = {"clients": clients, "called": _called(change, "child")}
    joins = [f"left join called on {_is_below('called', 'span')}"]
    if change["given_operation"]:
        further["given"] = _called(change, "given")
        joins.append(f"inner join given on {_is_below('given', 'span')}")
    return _of_operation(change), further, "count(called.trace_id) as calling", joins


def _called(change: Mapping[str, Any], what: str) -> str:
    """Calls of the operation; what a client of another service asked for counts as its parent's call."""
    is_called = _is_operation(change, what)
    if change[f"{what}_service_name"] == change["operation_service_name"]:
        return f"select distinct trace_id, parent_span_id from near where {is_called}"
    return (
        "select distinct child.trace_id, coalesce(clients.parent_span_id, child.parent_span_id) as parent_span_id\n"
        f"    from near as child left join clients\n        on clients.trace_id = child.trace_id"
        " and clients.span_id = child.parent_span_id\n            and clients.service_name <> child.service_name\n"
        f"    where {_is_operation(change, what, 'child.')}"
    )


def _of_operation(change: Mapping[str, Any]) -> str:
    service, name = (quote_literal(change[part]) for part in ("operation_service_name", "operation"))
    return f"service_name = {service} and name = {name}"


def _is_operation(change: Mapping[str, Any], what: str, alias: str = "") -> str:
    service, name = (quote_literal(change[f"{what}_{part}"]) for part in ("service_name", "operation"))
    return f"{alias}service_name = {service} and {alias}name = {name}"


def _is_below(child: str, parent: str) -> str:
    return f"{child}.trace_id = {parent}.trace_id and {child}.parent_span_id = {parent}.span_id"


def _within(range_: TimeRange) -> str:
    first, last = (quote_literal(format_time(time_ns).removesuffix("Z")) for time_ns in (range_.from_ns, range_.to_ns))
    return f"start_time >= timestamp_ns {first} and start_time < timestamp_ns {last}"


def _chosen(sampled: Sampled) -> str:
    every = f" and hash(trace_id) % {sampled.one_in} = 0" if sampled.one_in > 1 else ""
    return f"({_within(sampled.range)}{every})"


_PARTS: Final = {
    "latency": _latency,
    "network": _network,
    "errors": _errors,
    "missing_calls": _calls,
    "unanswered": _answers,
    "new_calls": _calls,
}
