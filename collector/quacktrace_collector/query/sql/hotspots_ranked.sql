with
timed as materialized (
    select
        service_name, name, kind, duration_ns, status_code, trace_id, epoch_ns(start_time) as start_ns,
        start_time >= make_timestamp_ns($from_ns) as is_current
    from spans
    where
        start_time >= make_timestamp_ns($previous_from_ns) and start_time < make_timestamp_ns($to_ns)
        and ($service is null or service_name = $service)
),
measured as (
    select
        service_name, name, kind,
        count(*) filter (is_current) as calls,
        count(*) filter (is_current and status_code = 'ERROR') as errors,
        quantile_cont(duration_ns, [0.5, 0.95]) filter (is_current) as quantiles_ns,
        count(*) filter (not is_current) as previous_calls,
        count(*) filter (not is_current and status_code = 'ERROR') as previous_errors,
        quantile_cont(duration_ns, [0.5, 0.95]) filter (not is_current) as previous_quantiles_ns,
        histogram((start_ns - $origin_ns) // $bucket_ns) filter (is_current and status_code = 'ERROR') as error_buckets,
        arg_max(trace_id, (status_code = 'ERROR', duration_ns)) filter (is_current) as example_trace_id
    from timed
    group by all
    having calls > 0
),
lost as (
    select
        service_name, name, kind,
        sum(greatest(duration_ns - coalesce(previous_quantiles_ns, quantiles_ns)[1], 0)) / 1e6 as time_lost_ms
    from timed join measured using (service_name, name, kind)
    where is_current
    group by all
)
select *
from measured join lost using (service_name, name, kind)
order by errors desc, time_lost_ms desc, service_name, name, kind
limit 200
