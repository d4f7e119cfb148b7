"""A change in a sentence, and the SQL that counts it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from quacktrace_collector.query.explanation import duration_text
from quacktrace_collector.store.views import quote_literal

_LONGEST_NAME: Final = 200
_COLUMNS: Final = "trace_id, span_id, parent_span_id, service_name, name, start_time, duration_ns, status_code"


def change_in_words(change: Mapping[str, Any]) -> str:
    """What changed where, from how much to how much."""
    operation, child = _short(change["operation"]), _short(change["child_operation"] or "")
    now, usual = change["value"], change["usual_value"]
    match change["kind"]:
        case "latency":
            return f"{operation} itself takes {duration_text(now)} instead of {duration_text(usual)}."
        case "network":
            way = f"{change['client_service']} waits {duration_text(now)} instead of {duration_text(usual)}"
            return f"{way} for {change['server_service']} beyond the time it works: network or queueing."
        case "errors":
            return f"{operation} fails by itself in {now:.1%} of its calls instead of {usual:.1%}."
        case "unanswered":
            way = f"calls of {child} by {change['operation_service_name']} are answered"
            return f"{way} in {now:.0%} instead of {usual:.0%}."
        case "missing_calls":
            return f"{operation} calls {child} in {now:.0%} instead of {usual:.0%} of {_which(change)}."
        case _:
            return f"{operation} calls {child} in {now:.0%} instead of {usual:.0%} of {_which(change)}, which is new."


def _which(change: Mapping[str, Any]) -> str:
    given = change["given_operation"]
    return f"the cases in which it calls {_short(given)}" if given else "its calls"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else text[:_LONGEST_NAME] + "…"


def change_as_sql(change: Mapping[str, Any], *, windows: Mapping[str, str]) -> str:
    """A query over the public views; `windows` has from, to, baseline_from and baseline_to."""
    times = {name: f"timestamp_ns {quote_literal(text.removesuffix('Z'))}" for name, text in windows.items()}
    during = f"span.start_time >= {times['from']} and span.start_time < {times['to']}"
    before = f"span.start_time >= {times['baseline_from']} and span.start_time < {times['baseline_to']}"
    # Fixed width, so the least text is the earliest time.
    first, last = min(times["from"], times["baseline_from"]), max(times["to"], times["baseline_to"])
    measure, source, condition = _PARTS[change["kind"]](change)
    return (
        f"with near as (\n    select {_COLUMNS}\n    from spans\n"
        f"    where start_time >= {first} and start_time < {last}\n)\n"
        f"select\n    {during} as is_current,\n    count(*) as calls,\n    {measure}\n"
        f"from near as span\n{source}where\n    (({during}) or ({before}))\n    and {condition}\n"
        "group by all\norder by is_current"
    )


def _is_operation(alias: str, service: str, operation: str) -> str:
    return f"{alias}.service_name = {quote_literal(service)} and {alias}.name = {quote_literal(operation)}"


def _of_operation(change: Mapping[str, Any]) -> str:
    return _is_operation("span", change["operation_service_name"], change["operation"])


_QUANTILES: Final = "median({0}) / 1e6 as p50_ms, avg({0}) / 1e6 as mean_ms"


def _latency(change: Mapping[str, Any]) -> tuple[str, str, str]:
    children = (
        "left join (\n    select trace_id, parent_span_id, sum(duration_ns) as duration_ns from near group by all\n"
        ") as children on children.trace_id = span.trace_id and children.parent_span_id = span.span_id\n"
    )
    own = "greatest(span.duration_ns - coalesce(children.duration_ns, 0), 0)"
    return _QUANTILES.format(own), children, _of_operation(change)


def _network(change: Mapping[str, Any]) -> tuple[str, str, str]:
    child = "inner join near as child on child.trace_id = span.trace_id and child.parent_span_id = span.span_id\n"
    between = (
        f"span.service_name = {quote_literal(change['client_service'])}"
        f" and child.service_name = {quote_literal(change['server_service'])}"
    )
    return _QUANTILES.format("greatest(span.duration_ns - child.duration_ns, 0)"), child, between


def _errors(change: Mapping[str, Any]) -> tuple[str, str, str]:
    failed = "count(*) filter (span.status_code = 'ERROR') as errors, errors / calls as error_rate"
    return failed, "", _of_operation(change)


def _answers(change: Mapping[str, Any]) -> tuple[str, str, str]:
    called = _is_operation("child", change["child_service_name"], change["child_operation"])
    below = "from near as child where child.trace_id = span.trace_id and child.parent_span_id = span.span_id and"
    return f"count(*) filter (exists (select 1 {below} {called})) as answered", "", _of_operation(change)


# What a client called is below it: a call of another service is one of its parent.
_BELOW: Final = (
    "from (\n    select trace_id, parent_span_id, service_name, name from near\n    union all\n"
    "    select child.trace_id, client.parent_span_id, child.service_name, child.name\n"
    "    from near as child inner join near as client\n"
    "        on client.trace_id = child.trace_id and client.span_id = child.parent_span_id\n"
    "    where client.service_name <> child.service_name\n"
    ") as child where child.trace_id = span.trace_id and child.parent_span_id = span.span_id and"
)


def _calls(change: Mapping[str, Any]) -> tuple[str, str, str]:
    called = _is_operation("child", change["child_service_name"], change["child_operation"])
    condition = _of_operation(change)
    if change["given_operation"]:
        given = _is_operation("child", change["given_service_name"], change["given_operation"])
        condition += f"\n    and exists (select 1 {_BELOW} {given})"
    return f"count(*) filter (exists (select 1 {_BELOW} {called})) as calling", "", condition


_PARTS: Final = {
    "latency": _latency,
    "network": _network,
    "errors": _errors,
    "missing_calls": _calls,
    "unanswered": _answers,
    "new_calls": _calls,
}
