-- The view edges over a range, by buckets of any length, which are counted from 1970.
create macro edges(from_time, to_time, bucket := interval 1 minute) as table
    with by_duration as (
        select
            time_bucket(bucket, start_time::timestamp, timestamp '1970-01-01') as time,
            client_service,
            server_service,
            type,
            (ceil(log2(greatest(duration_ns, 1)) * 8) - 1)::smallint as duration_bucket,
            count(*) as calls,
            count(*) filter (status_code = 'ERROR') as errors,
            sum(duration_ns) as duration_sum_ns,
            max(duration_ns) as duration_max_ns
        from main.edge_calls
        where start_time >= from_time and start_time < to_time
        group by all
    )

    select
        time,
        client_service,
        server_service,
        type,
        sum(calls)::bigint as calls,
        sum(errors)::bigint as errors,
        sum(duration_sum_ns) as duration_sum_ns,
        max(duration_max_ns) as duration_max_ns,
        map_from_entries(list({'key': duration_bucket, 'value': calls} order by duration_bucket)) as durations
    from by_duration
    group by all
