select
    trace_id,
    epoch_ns(start_time) as start_ns,
    duration_ns,
    root_service_name,
    root_name,
    root_duration_ns,
    span_count,
    error_count,
    map_entries(services) as services,
    is_complete
from traces
