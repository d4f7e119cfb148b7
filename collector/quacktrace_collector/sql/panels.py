"""The SQL behind each panel of the dashboard, its values written out and its time range frozen.

What a panel shows comes from rollups and indexes that are quicker than any SQL over spans; these queries count the same
from the spans, and a test compares the numbers. They are for people to read, so the library's macros carry the weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from quacktrace_collector.api import parameters
from quacktrace_collector.api.trace_ids import parse_span_id, parse_trace_id
from quacktrace_collector.api.trace_search import trace_cases
from quacktrace_collector.query.logs import SEVERITIES
from quacktrace_collector.query.traces import ORDERS, TraceFilter
from quacktrace_collector.query.window import Window
from quacktrace_collector.sql.literals import inline, text, timestamp

__all__ = ["PANELS", "PanelRequest"]

_PERCENTILES: Final = """quantile_ms(list(durations), 0.5) as p50_ms,
    quantile_ms(list(durations), 0.95) as p95_ms"""
_TRACE_ORDERS: Final = {
    "newest": "start_time desc",
    "slowest": "coalesce(root_duration_ns, duration_ns) desc",
    "errors": "error_count desc, start_time desc",
    "spans": "span_count desc, start_time desc",
}


@dataclass(frozen=True, slots=True)
class PanelRequest:
    """What the panel's answer was asked with: the API's own parameters, and the range they mean."""

    query: parameters.Parameters
    window: Window

    @property
    def minutes(self) -> Window:
        """The range in whole minutes, by which most panels count."""
        return self.window.in_whole_minutes()

    def range(self) -> str:
        """`from, to` of the whole minutes, as a macro takes them."""
        return f"{timestamp(self.minutes.from_ns)}, {timestamp(self.minutes.to_ns)}"

    def range_before(self) -> str:
        """As long a range just before."""
        from_ns, to_ns = self.minutes.from_ns, self.minutes.to_ns
        return f"{timestamp(from_ns - (to_ns - from_ns))}, {timestamp(from_ns)}"

    def bucketed_range(self) -> str:
        """The range and the length of a bucket."""
        seconds = parameters.integer(self.query, "bucket_s", default=60, most=400 * 86_400)
        length = f"interval {seconds // 60} minutes" if seconds % 60 == 0 else f"interval {seconds} seconds"
        return f"{self.range()}, {length}"

    def during(self, column: str) -> str:
        """The exact range as a condition."""
        return f"{column} >= {timestamp(self.window.from_ns)} and {column} < {timestamp(self.window.to_ns)}"

    def service_condition(self, column: str = "service_name") -> str:
        """` and service_name = 'cart'`, or nothing."""
        service = parameters.text(self.query, "service")
        return f" and {column} = {text(service)}" if service else ""

    def trace_id(self) -> str:
        """The trace that was asked for, as a literal."""
        return text(parse_trace_id(parameters.required_text(self.query, "trace_id")))

    def span_id(self) -> str:
        """The span that was asked for, as a literal."""
        return text(parse_span_id(parameters.required_text(self.query, "span_id")))


def _numbers(request: PanelRequest) -> str:
    # The tile's percentile is read from the bins of the latency heatmap, three buckets each.
    return f"""with entries as (from red({request.range()}) where is_entry),
bins as (
    select (entry.key + 1) // 3 as bin, sum(entry.value) as calls
    from (select unnest(map_entries(durations)) as entry from entries)
    group by all
),
reached as (
    select
        bin,
        calls,
        sum(calls) over (order by bin) as upto,
        sum(calls) over () as total,
        min(bin) over () as first_bin
    from bins
)
select
    (select sum(calls) from entries) as calls,
    (select sum(errors) from entries) as errors,
    (select sum(calls) / {request.minutes.seconds:g} from entries) as calls_per_s,
    (select sum(errors) / sum(calls) from entries) as error_rate,
    (
        select pow(2, (bin * 3 + 2) / 8.0) / 1e6 / if(bin = first_bin, 2, pow(2, 3 / 8.0))
            * pow(if(bin = first_bin, 2, pow(2, 3 / 8.0)), (0.95 * total - (upto - calls)) / calls)
        from reached where upto >= 0.95 * total order by bin limit 1
    ) as p95_ms,
    (select count(distinct service_name) from red({request.range()})) as services"""


def _services(request: PanelRequest) -> str:
    seconds = request.minutes.seconds
    return f"""select
    service_name,
    coalesce(sum(calls) filter (is_entry), 0) as calls,
    coalesce(sum(errors) filter (is_entry), 0) as errors,
    coalesce(sum(errors) filter (is_entry) / sum(calls) filter (is_entry), 0) as error_rate,
    coalesce(sum(calls) filter (is_entry), 0) / {seconds:g} as calls_per_s,
    quantile_ms(list(durations) filter (is_entry), 0.5) as p50_ms,
    quantile_ms(list(durations) filter (is_entry), 0.95) as p95_ms,
    quantile_ms(list(durations) filter (is_entry), 0.99) as p99_ms
from red({request.range()})
group by service_name
order by errors desc, calls desc, service_name"""


def _operations(request: PanelRequest) -> str:
    service = parameters.required_text(request.query, "service")
    return f"""select
    operation,
    kind,
    sum(calls) as calls,
    sum(errors) as errors,
    {_PERCENTILES},
    quantile_ms(list(durations), 0.99) as p99_ms
from red({request.range()})
where service_name = {text(service)}
group by all
order by calls desc, operation, kind"""


def _edges(request: PanelRequest) -> str:
    conditions = {
        "in": "server_service",
        "out": "client_service",
    }
    direction = parameters.choice(request.query, "direction", tuple(conditions))
    where = f"where true{request.service_condition(conditions[direction])}\n" if direction else ""
    return f"""select
    client_service,
    server_service,
    type,
    sum(calls) as calls,
    sum(errors) as errors,
    {_PERCENTILES}
from edges({request.range()})
{where.replace("true and ", "")}group by all
order by calls desc, client_service, server_service"""


def _service_rates(request: PanelRequest) -> str:
    return f"""select
    time,
    service_name,
    sum(calls) as calls,
    sum(errors) as errors,
    sum(errors) / sum(calls) as error_rate
from red({request.bucketed_range()})
where is_entry{request.service_condition()}
group by all
order by time, service_name"""


def _latency_heatmap(request: PanelRequest) -> str:
    return f"""select
    time,
    pow(2, ((entry.key + 1) // 3 * 3 + 2) / 8.0) / 1e6 as up_to_ms,
    sum(entry.value) as calls
from (
    select time, unnest(map_entries(durations)) as entry
    from red({request.bucketed_range()})
    where is_entry{request.service_condition()}
)
group by all
order by time, up_to_ms"""


def _ranked(request: PanelRequest) -> str:
    return f"""with now_ as (
    {_by_operation(request, request.range())}
),
before as (
    {_by_operation(request, request.range_before())}
)
select
    service_name,
    operation,
    kind,
    now_.calls,
    now_.errors,
    now_.errors / now_.calls as error_rate,
    now_.p50_ms,
    now_.p95_ms,
    coalesce(before.calls, 0) as previous_calls,
    coalesce(before.errors, 0) as previous_errors,
    before.p95_ms as previous_p95_ms,
    time_lost_ms(now_.durations, coalesce(before.p50_ms, now_.p50_ms)) as time_lost_ms
from now_
left join before using (service_name, operation, kind)
order by errors desc, time_lost_ms desc
limit 200"""


def _by_operation(request: PanelRequest, time_range: str) -> str:
    where = request.service_condition().removeprefix(" and")
    return f"""select
        service_name,
        operation,
        kind,
        sum(calls) as calls,
        sum(errors) as errors,
        list(durations) as durations,
        quantile_ms(list(durations), 0.5) as p50_ms,
        quantile_ms(list(durations), 0.95) as p95_ms
    from red({time_range})
    {f"where{where}" if where else "where true"}
    group by all"""


def _error_groups(request: PanelRequest) -> str:
    where = f"\nwhere{request.service_condition().removeprefix(' and')}" if request.service_condition() else ""
    limit = parameters.integer(request.query, "limit", default=50, most=500)
    exact = f"{timestamp(request.window.from_ns)}, {timestamp(request.window.to_ns)}"
    return f"from error_groups({exact}){where}\nlimit {limit}"


def _traces(request: PanelRequest) -> str:
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


def _logs(request: PanelRequest) -> str:
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
    direction = "asc" if parameters.choice(query, "order", ("newest", "oldest")) == "oldest" else "desc"
    where = "\n    and ".join(conditions)
    return f"""select time, severity_text, severity_number, service_name, body, attributes, trace_id, span_id
from logs
where {where}
order by time {direction}, observed_time {direction}
limit {parameters.integer(query, "limit", default=200, most=5000)}"""


def _trace(request: PanelRequest) -> str:
    return f"""select
    span_id,
    parent_span_id,
    service_name,
    name,
    kind,
    status_code,
    start_time,
    duration_ns / 1e6 as duration_ms
from trace({request.trace_id()})
order by start_time, span_id"""


def _trace_services(request: PanelRequest) -> str:
    return f"""select service_name, count(*) as spans, sum(self_time_ns) / 1e6 as self_ms
from self_time({request.trace_id()})
group by all
order by self_ms desc"""


PANELS: Final[Mapping[str, Callable[[PanelRequest], str]]] = {
    "numbers": _numbers,
    "services": _services,
    "operations": _operations,
    "edges": _edges,
    "service_rates": _service_rates,
    "latency_heatmap": _latency_heatmap,
    "ranked": _ranked,
    "error_groups": _error_groups,
    "traces": _traces,
    "logs": _logs,
    "trace": _trace,
    "trace_services": _trace_services,
    "self_time": lambda request: f"from self_time({request.trace_id()})",
    "critical_path": lambda request: f"from critical_path({request.trace_id()})",
    "span": lambda request: f"from trace({request.trace_id()})\nwhere span_id = {request.span_id()}",
    "events": lambda request: f"from events\nwhere trace_id = {request.trace_id()}\norder by time",
    "trace_edges": lambda request: (
        "select client_service, server_service, type, count(*) as calls, "
        "count(*) filter (status_code = 'ERROR') as errors\n"
        f"from edge_calls\nwhere trace_id = {request.trace_id()}\ngroup by all"
    ),
}
"""By name; each makes one statement."""
