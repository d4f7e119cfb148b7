-- Database statements by the time they take
select db_system, left(db_query_text, 200) as statement, count(*) as calls, sum(duration_ns) / 1e6 as total_ms,
    quantile_cont(duration_ns, 0.95) / 1e6 as p95_ms, arg_max(trace_id, duration_ns) as slowest_trace_id
from spans
where db_query_text is not null and start_time > now() - interval 1 day
group by all
order by total_ms desc
limit 20
