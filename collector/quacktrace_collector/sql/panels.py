"""The SQL behind each panel of the dashboard, its values written out and its time range frozen.

What a panel shows comes from rollups and indexes that are quicker than any SQL over spans; these queries count the same
from the spans, and a test compares the numbers. They are for people to read, so the library's macros carry the weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from quacktrace_collector.api import parameters
from quacktrace_collector.sql.literals import text, timestamp
from quacktrace_collector.sql.panel_request import PanelRequest
from quacktrace_collector.sql.search_panels import logs_sql, spans_sql, traces_sql

__all__ = ["PANELS", "PanelRequest"]

_PERCENTILES: Final = """quantile_ms(list(durations), 0.5) as p50_ms,
    quantile_ms(list(durations), 0.95) as p95_ms"""


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
    "traces": traces_sql,
    "spans": spans_sql,
    "logs": logs_sql,
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
