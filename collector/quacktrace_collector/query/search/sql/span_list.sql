select trace_id, span_id, parent_span_id, service_name, name, kind, status_code, epoch_ns(start_time) as start_ns, duration_ns
    {values}
from spans as listed
where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns) and {matching} and {scope}
order by {order}, span_id
limit $limit
