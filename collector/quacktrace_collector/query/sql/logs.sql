select
    epoch_ns("time") as time_ns,
    epoch_ns(observed_time) as observed_ns,
    severity_number,
    severity_text,
    body,
    service_name,
    trace_id,
    span_id,
    event_name,
    scope_name,
    attributes,
    attributes_types
from logs
where "time" >= make_timestamp_ns($from_ns) and "time" < make_timestamp_ns($to_ns) and {matching}
order by "time" {direction}, observed_time {direction}
limit $limit
