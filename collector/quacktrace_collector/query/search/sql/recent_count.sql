select count(*) as spans
from spans
where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
