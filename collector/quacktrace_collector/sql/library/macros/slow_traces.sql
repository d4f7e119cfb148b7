-- Each entry operation's slowest traces beside its median: the root's duration, as asynchronous work after it is not waited for.
create macro slow_traces(from_time, to_time, most := 3) as table
    with roots as (
        select
            service_name,
            name as operation,
            trace_id,
            start_time,
            duration_ns,
            status_code
        from main.spans
        where parent_span_id is null and start_time >= from_time and start_time < to_time
    ),

    ranked as (
        select
            *,
            row_number() over (
                partition by service_name, operation
                order by duration_ns desc, start_time
            ) as rank,
            median(duration_ns) over (partition by service_name, operation) as median_ns,
            count(*) over (partition by service_name, operation) as traces
        from roots
    )

    select
        service_name,
        operation,
        rank,
        trace_id,
        start_time,
        status_code,
        duration_ns / 1e6 as duration_ms,
        median_ns / 1e6 as median_ms,
        duration_ns / nullif(median_ns, 0) as times_median,
        traces
    from ranked
    where rank <= most
    order by duration_ns - median_ns desc
