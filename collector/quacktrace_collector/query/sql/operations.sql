select
    name as operation,
    kind,
    count(*) as calls,
    count(*) filter (status_code = 'ERROR') as errors,
    quantile_cont(duration_ns, [0.5, 0.95, 0.99]) as quantiles_ns
from spans
where start_time >= make_timestamp_ns($from_ns)
    and start_time < make_timestamp_ns($to_ns)
    and service_name = $service
group by name, kind
order by calls desc, name, kind
limit 5000
