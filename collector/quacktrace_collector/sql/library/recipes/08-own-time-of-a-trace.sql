-- Whose own time a slow trace is
select service_name, name, self_time_ns / 1e6 as self_ms, duration_ns / 1e6 as duration_ms, span_id
from self_time((select trace_id from traces order by duration_ns desc limit 1))
limit 20
