-- Slowest operations of the last hour
select service_name, name, count(*) as calls, quantile_cont(duration_ns, 0.95) / 1e6 as p95_ms
from spans
where start_time > now() - interval 1 hour
group by all
order by p95_ms desc
limit 20
