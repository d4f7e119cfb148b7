with
called as (
    select
        service_name,
        count(*) filter (is_entry) as calls,
        count(*) filter (is_entry and status_code = 'ERROR') as errors,
        quantile_cont(duration_ns, [0.5, 0.95, 0.99]) filter (is_entry) as quantiles_ns
    from _calls
    where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
    group by service_name
),
described as (
    select
        service_name,
        list_sort(list(distinct service_version) filter (service_version <> '')) as versions,
        list_sort(list(distinct service_instance_id) filter (service_instance_id <> '')) as instances,
        epoch_ns(max(start_time)) as last_seen_ns
    from spans
    where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
    group by service_name
)
select * from called join described using (service_name) order by service_name
