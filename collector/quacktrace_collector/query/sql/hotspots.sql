-- Rows as the rollup `red` has them (store/rollups/tables.py), by bucket instead of by minute: for buckets below a minute.
select
    make_timestamp_ns($origin_ns + (epoch_ns(start_time) - $origin_ns) // $bucket_ns * $bucket_ns) as "minute",
    service_name,
    operation as name,
    kind,
    is_entry,
    count(*) as calls,
    count(*) filter (status_code = 'ERROR') as errors,
    sum(duration_ns)::bigint as duration_sum_ns,
    histogram((ceil(log2(greatest(duration_ns, 1)) * 8) - 1)::smallint) as durations,
    arg_max(trace_id, (status_code = 'ERROR', duration_ns)) as example_trace_id,
    max(duration_ns + case when status_code = 'ERROR' then 1::bigint << 62 else 0 end) as example_score
from _calls
where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
group by all
