-- Newest first is asked for most: a slice at the end of the range is searched, and a longer one only if that is not enough
-- (see find_trace_ids). What started before the slice is read too, so that a trace is counted where it really starts.
select trace_id, epoch_ns(start_time) as start_ns
from (
    select
        trace_id,
        min(start_time) as start_time,
        epoch_ns(max(greatest(end_time, start_time))) - epoch_ns(min(start_time)) as whole_duration_ns,
        arg_min(duration_ns, start_time) filter (parent_span_id is null) as root_duration_ns,
        count(*) as span_count,
        count(*) filter (status_code = 'ERROR') as error_count
    from spans
    where
        start_time >= make_timestamp_ns($reach_from_ns) and start_time < make_timestamp_ns($reach_to_ns)
        and {matching}
    group by trace_id
)
where
    start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
    and coalesce(root_duration_ns, whole_duration_ns) between $min_duration_ns and $max_duration_ns
    and (not $without_error or error_count = 0)
    and (not $with_error or error_count > 0)
order by {order}, start_time desc, trace_id
limit $limit
