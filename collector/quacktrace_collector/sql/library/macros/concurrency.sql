-- Entry spans only: the requests that a service works on. Starts count one up, ends one down; a bucket in which nothing
-- starts or ends has no row.
create macro concurrency(from_time, to_time, bucket := interval 1 minute) as table
    with entries as (
        select
            service_name,
            epoch_ns(start_time) as start_ns,
            epoch_ns(start_time) + duration_ns as end_ns
        from main._calls
        where is_entry and start_time >= from_time and start_time < to_time
    ),

    steps as (
        select service_name, start_ns as at_ns, 1 as step from entries
        union all
        select service_name, end_ns, -1 from entries
    ),

    running as (
        select
            service_name,
            at_ns,
            step,
            sum(step) over (
                partition by service_name
                order by at_ns, step
                rows between unbounded preceding and current row
            ) as running
        from steps
    )

    select
        time_bucket(bucket, make_timestamp_ns(at_ns)::timestamp, timestamp '1970-01-01') as time,
        service_name,
        max(running)::bigint as most_running,
        count(*) filter (step = 1) as started
    from running
    group by all
    order by time, service_name
