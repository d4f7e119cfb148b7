-- Newest traces with errors
select trace_id, root_service_name, root_name, root_duration_ns / 1e6 as root_ms, span_count, error_count, start_time
from traces
where error_count > 0
order by start_time desc
limit 20
