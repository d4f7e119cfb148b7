-- What the slowest trace waited for, in order
select from_time, service_name, name, duration_ns / 1e6 as ms, span_id
from critical_path((select trace_id from traces order by root_duration_ns desc limit 1))
order by from_time
