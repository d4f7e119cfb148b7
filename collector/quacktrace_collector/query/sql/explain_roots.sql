-- The hash spreads the sample over the whole range.
select trace_id, epoch_ns(start_time) as start_ns, duration_ns
from spans
where
    parent_span_id is null
    and service_name = $service
    and name = $operation
    and kind = $kind
    and start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
    and trace_id <> $trace_id
    and status_code <> 'ERROR'
order by hash(trace_id), start_time
limit $limit
