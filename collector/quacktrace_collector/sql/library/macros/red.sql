-- The view red over a range, by buckets of any length: filtering spans before they are paired and counted is what makes
-- a short range quick. Buckets are counted from 1970.
create macro red(from_time, to_time, bucket := interval 1 minute) as table
    with by_duration as (
        select
            time_bucket(bucket, start_time::timestamp, timestamp '1970-01-01') as time,
            service_name,
            operation,
            kind,
            is_entry,
            (ceil(log2(greatest(duration_ns, 1)) * 8) - 1)::smallint as duration_bucket,
            count(*) as calls,
            count(*) filter (status_code = 'ERROR') as errors,
            sum(duration_ns) as duration_sum_ns,
            max(duration_ns) as duration_max_ns
        from main._calls
        where start_time >= from_time and start_time < to_time
        group by all
    )

    select
        time,
        service_name,
        operation,
        kind,
        is_entry,
        sum(calls)::bigint as calls,
        sum(errors)::bigint as errors,
        sum(duration_sum_ns) as duration_sum_ns,
        max(duration_max_ns) as duration_max_ns,
        map_from_entries(list({'key': duration_bucket, 'value': calls} order by duration_bucket)) as durations
    from by_duration
    group by all
