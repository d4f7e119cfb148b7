select count(*) as calls, quantile_cont(duration_ns, [0.5, 0.95]) as quantiles_ns
from spans
where start_time >= make_timestamp_ns($from_ns)
    and start_time < make_timestamp_ns($to_ns)
    and service_name = $service
    and name = $operation
