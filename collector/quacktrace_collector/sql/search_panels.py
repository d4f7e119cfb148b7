"""The SQL behind the lists that a search fills: traces, spans and log records."""

from __future__ import annotations

from typing import Final

from quacktrace_collector.api import parameters
from quacktrace_collector.api.trace_ids import parse_span_id, parse_trace_id
from quacktrace_collector.api.trace_search import own_span_conditions, trace_cases
from quacktrace_collector.query.log_attributes import parse_attribute_terms
from quacktrace_collector.query.logs import SEVERITIES
from quacktrace_collector.query.search.scopes import SCOPES, scope_sql
from quacktrace_collector.query.traces import ORDERS, TraceFilter
from quacktrace_collector.sql.literals import inline, text, timestamp
from quacktrace_collector.sql.panel_request import PanelRequest

__all__ = ["logs_sql", "spans_sql", "traces_sql"]

_TRACE_ORDERS: Final = {
    "newest": "start_time desc",
    "slowest": "coalesce(root_duration_ns, duration_ns) desc",
    "errors": "error_count desc, start_time desc",
    "spans": "span_count desc, start_time desc",
}


def traces_sql(request: PanelRequest) -> str:
    order = parameters.choice(request.query, "order", ORDERS, default="newest")
    limit = parameters.integer(request.query, "limit", default=50, most=1000)
    cases = [_trace_conditions(case, request) for case in trace_cases(request.query)]
    chosen = [conditions for conditions in cases if conditions]
    any_case = ""
    if len(chosen) == len(cases) == 1:
        any_case = "".join(f"\n    and {condition}" for condition in chosen[0])
    elif chosen and len(chosen) == len(cases):
        any_case = "\n    and (" + "\n        or ".join(f"({' and '.join(conditions)})" for conditions in chosen) + ")"
    return f"""select
    trace_id,
    start_time,
    root_service_name,
    root_name,
    duration_ns,
    root_duration_ns,
    span_count,
    error_count,
    services,
    is_complete
from traces
where {request.during("start_time")}{any_case}
order by {_TRACE_ORDERS[order or "newest"]}
limit {limit}"""


def logs_sql(request: PanelRequest) -> str:
    query = request.query
    trace_id, span_id = parameters.text(query, "trace_id"), parameters.text(query, "span_id")
    conditions = [] if trace_id else [request.during("time")]
    if trace_id:
        conditions.append(f"trace_id = {text(parse_trace_id(trace_id))}")
    if span_id:
        conditions.append(f"span_id = {text(parse_span_id(span_id))}")
    severity = parameters.choice(query, "severity", tuple(SEVERITIES))
    if severity:
        conditions.append(f"severity_number >= {SEVERITIES[severity]}")
    service, words = parameters.text(query, "service"), parameters.text(query, "q")
    if service:
        conditions.append(f"service_name = {text(service)}")
    if words:
        pattern = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
        conditions.append(f"body ilike {text(f'%{pattern}%')} escape '\\'")
    for key, value in parse_attribute_terms(parameters.text(query, "attribute") or ""):
        conditions.append(f"attributes[{text(key)}] {'is not null' if value is None else f'= {text(value)}'}")
    direction = "asc" if parameters.choice(query, "order", ("newest", "oldest")) == "oldest" else "desc"
    where = "\n    and ".join(conditions)
    return f"""select time, severity_text, severity_number, service_name, body, attributes, trace_id, span_id
from logs
where {where}
order by time {direction}, observed_time {direction}
limit {parameters.integer(query, "limit", default=200, most=5000)}"""


def spans_sql(request: PanelRequest) -> str:
    scope = parameters.choice(request.query, "scope", SCOPES, default="all")
    wanted = own_span_conditions(request.query)
    conditions = [request.during("start_time")]
    if wanted:
        conditions.append(inline(wanted.sql, wanted.parameters))
    if scope != "all":
        conditions.append(scope_sql(scope))
    order = parameters.choice(request.query, "order", ("newest", "slowest"), default="newest")
    where = "\n    and ".join(conditions)
    return f"""select trace_id, span_id, service_name, name, kind, status_code, start_time, duration_ns
from spans as listed
where {where}
order by {"start_time desc" if order == "newest" else "duration_ns desc"}, span_id
limit {parameters.integer(request.query, "limit", default=50, most=1000)}"""


def _trace_conditions(wanted: TraceFilter, request: PanelRequest) -> list[str]:
    conditions = []
    if wanted.service is not None:
        conditions.append(f"map_contains(services, {text(wanted.service)})")
    if wanted.span:
        span = inline(wanted.span.sql, wanted.span.parameters)
        since = f"start_time >= {timestamp(request.window.from_ns)}"
        conditions.append(f"trace_id in (select trace_id from spans where {since} and {span})")
    if wanted.min_duration_ns is not None:
        conditions.append(f"coalesce(root_duration_ns, duration_ns) >= {wanted.min_duration_ns}")
    if wanted.max_duration_ns is not None:
        conditions.append(f"coalesce(root_duration_ns, duration_ns) <= {wanted.max_duration_ns}")
    if wanted.with_error:
        conditions.append("error_count > 0")
    if wanted.without_error:
        conditions.append("error_count = 0")
    return conditions
