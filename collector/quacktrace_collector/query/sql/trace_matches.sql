select distinct trace_id
from spans
where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns) and {matching}
