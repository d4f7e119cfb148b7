select
    'service' as element,
    service_name as id,
    'service' as type,
    '' as client_service,
    count(*) filter (is_entry) as calls,
    count(*) filter (is_entry and status_code = 'ERROR') as errors,
    quantile_cont(duration_ns, [0.5, 0.95]) filter (is_entry) as quantiles_ns
from _calls
where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
group by service_name
union all
select
    'inferred',
    server_service,
    type,
    '',
    count(*),
    count(*) filter (status_code = 'ERROR'),
    quantile_cont(duration_ns, [0.5, 0.95])
from edge_calls
where
    start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
    and type in ('database', 'messaging', 'external')
group by server_service, type
union all
select
    'edge',
    server_service,
    type,
    client_service,
    count(*),
    count(*) filter (status_code = 'ERROR'),
    quantile_cont(duration_ns, [0.5, 0.95])
from edge_calls
where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
group by client_service, server_service, type
order by element, client_service, id, type
