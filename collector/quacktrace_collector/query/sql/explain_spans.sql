select
    trace_id,
    trace_id || span_id as span_key,
    trace_id || parent_span_id as parent_key,
    service_name,
    name,
    kind,
    epoch_ns(start_time) as start_ns,
    duration_ns
from spans
where
    trace_id in (select unnest($trace_ids))
    and start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
order by trace_id, start_time, span_id
limit $limit
