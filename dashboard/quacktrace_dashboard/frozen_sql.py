"""The SQL behind a panel, with its time range written out, for "Show SQL".

These are texts for people to read and change, never statements that the dashboard runs; all the same every value is
quoted, because names come from telemetry.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["edges_sql", "error_groups_sql", "hotspots_sql", "logs_sql", "operations_sql", "services_sql"]

_RED = """count(*) as calls,
       count(*) filter (where status_code = 'ERROR') as errors,
       round(quantile_cont(duration_ns, 0.5) / 1e6, 3) as p50_ms,
       round(quantile_cont(duration_ns, 0.95) / 1e6, 3) as p95_ms"""


def services_sql(from_ms: int, to_ms: int) -> str:
    return f"""select service_name,
       {_RED}
from spans
where {_during("start_time", from_ms, to_ms)}
  and (parent_span_id is null or kind in ('SERVER', 'CONSUMER'))
group by service_name
order by errors desc, calls desc"""


def edges_sql(from_ms: int, to_ms: int) -> str:
    return f"""select client.service_name as client_service, server.service_name as server_service,
       count(*) as calls,
       count(*) filter (where server.status_code = 'ERROR') as errors,
       round(quantile_cont(server.duration_ns, 0.95) / 1e6, 3) as p95_ms
from spans server
join spans client on client.trace_id = server.trace_id and client.span_id = server.parent_span_id
where {_during("server.start_time", from_ms, to_ms)}
  and client.service_name <> server.service_name
group by all
order by calls desc"""


def operations_sql(service: str, from_ms: int, to_ms: int) -> str:
    return f"""select name, kind,
       {_RED}
from spans
where {_during("start_time", from_ms, to_ms)}
  and service_name = {_literal(service)}
group by name, kind
order by calls desc"""


def hotspots_sql(from_ms: int, to_ms: int) -> str:
    return f"""select service_name, name, kind,
       {_RED}
from spans
where {_during("start_time", from_ms, to_ms)}
group by service_name, name, kind
having errors > 0
order by errors desc
limit 100"""


def error_groups_sql(from_ms: int, to_ms: int) -> str:
    return f"""select service_name, name, status_message, count(*) as spans, count(distinct trace_id) as traces,
       max(start_time) as last_seen, arg_max(trace_id, start_time) as trace_id
from spans
where {_during("start_time", from_ms, to_ms)}
  and status_code = 'ERROR'
group by service_name, name, status_message
order by spans desc
limit 100"""


def logs_sql(from_ms: int, to_ms: int, *, service: str | None, text: str | None) -> str:
    conditions = [_during("time", from_ms, to_ms)]
    if service:
        conditions.append(f"service_name = {_literal(service)}")
    if text:
        conditions.append(f"contains(lower(body), lower({_literal(text)}))")
    where = "\n  and ".join(conditions)
    return f"""select time, severity_text, service_name, body, trace_id, span_id
from logs
where {where}
order by time desc
limit 200"""


def _during(column: str, from_ms: int, to_ms: int) -> str:
    return f"{column} >= {_timestamp(from_ms)} and {column} < {_timestamp(to_ms)}"


def _timestamp(milliseconds: int) -> str:
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        moment = datetime(9999, 12, 31, tzinfo=UTC)
    return f"timestamp '{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}'"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''").replace("\0", "") + "'"
