-- Time between a call and its callee: network and queueing
select client.service_name as client_service, server.service_name as server_service, count(*) as calls,
    quantile_cont(client.duration_ns - server.duration_ns, 0.5) / 1e6 as p50_outside_ms,
    quantile_cont(client.duration_ns - server.duration_ns, 0.95) / 1e6 as p95_outside_ms
from spans as client
join spans as server on server.trace_id = client.trace_id and server.parent_span_id = client.span_id
where client.kind = 'CLIENT' and server.kind = 'SERVER' and client.start_time > now() - interval 1 hour
group by all
order by p95_outside_ms desc
