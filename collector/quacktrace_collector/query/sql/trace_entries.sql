-- A service without an entry span of its own, such as one whose parents are all missing, is still a node.
select
    service_name,
    count(*) filter (where is_entry) as calls,
    count(*) filter (where is_entry and status_code = 'ERROR') as errors,
    quantile_cont(duration_ns, 0.5) filter (where is_entry) / 1e6 as p50_ms,
    quantile_cont(duration_ns, 0.95) filter (where is_entry) / 1e6 as p95_ms
from _calls
group by all
order by service_name
