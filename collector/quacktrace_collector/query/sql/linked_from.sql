select distinct
    trace_id,
    span_id,
    service_name,
    name,
    epoch_ns(start_time) as start_ns
from spans
where
    start_time >= make_timestamp_ns($from_ns)
    and start_time < make_timestamp_ns($to_ns)
    and len(links) > 0
    and len(list_filter(links, lambda link: link.span_id = $span_id and link.trace_id = $trace_id)) > 0
order by start_ns, span_id
limit $limit
