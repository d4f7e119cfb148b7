-- Is the new version slower? Latency and errors of a service by version
select service_name, service_version, count(*) as requests, count(*) filter (status_code = 'ERROR') / count(*) as error_rate,
    quantile_cont(duration_ns, 0.5) / 1e6 as p50_ms, quantile_cont(duration_ns, 0.95) / 1e6 as p95_ms
from spans
where kind = 'SERVER' and start_time > now() - interval 1 day
group by all
order by service_name, service_version
