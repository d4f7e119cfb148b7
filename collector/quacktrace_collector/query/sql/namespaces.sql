select service_name, max(service_namespace) as service_namespace
from spans
where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns) and service_namespace <> ''
group by service_name
order by service_name
