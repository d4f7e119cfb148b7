select
    service_name as server_service,
    'service' as type,
    null as client_service,
    count(*) filter (is_entry) as calls,
    count(*) filter (is_entry and status_code = 'ERROR') as errors,
    quantile_cont(duration_ns, [0.5, 0.95]) filter (is_entry) as quantiles_ns
from _calls
where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
group by service_name
union all
-- Without a client: the callee as a node, wanted where it is inferred. Percentiles of a node are no sum of its edges'.
select
    server_service,
    type,
    client_service,
    count(*),
    count(*) filter (status_code = 'ERROR'),
    quantile_cont(duration_ns, [0.5, 0.95])
from edge_calls
where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
group by grouping sets ((client_service, server_service, type), (server_service, type))
