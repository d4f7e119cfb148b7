-- Entry spans by service, time bucket and latency bin; bin b holds durations up to its b-th bound.
select
    service_name,
    (epoch_ns(start_time) - $origin_ns) // $bucket_ns as bucket,
    least(
        greatest(ceil(log10(greatest(duration_ns, 1) / $first_bound_ns) * $bins_per_decade), 0), $last_bin
    )::integer as bin,
    count(*) as calls,
    count(*) filter (status_code = 'ERROR') as errors
from _calls
where
    is_entry
    and start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
    and ($service is null or service_name = $service)
group by all
