select
    client_service,
    server_service,
    type,
    count(*) as calls,
    count(*) filter (where status_code = 'ERROR') as errors,
    quantile_cont(duration_ns, 0.5) / 1e6 as p50_ms,
    quantile_cont(duration_ns, 0.95) / 1e6 as p95_ms
from edge_calls
group by all
order by client_service, server_service, type
