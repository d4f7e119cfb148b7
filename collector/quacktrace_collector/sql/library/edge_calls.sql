select
    trace_id,
    span_id,
    start_time,
    duration_ns,
    status_code,
    parent_service_name as client_service,
    service_name as server_service,
    'call' as type
from _calls
where parent_service_name <> service_name
union all by name
select *
from _inferred_calls
union all by name
select *
from _link_calls
