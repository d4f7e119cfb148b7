select distinct
    trace_id,
    span_id
from logs
where
    severity_number >= 17
    and trace_id is not null and span_id is not null
    and "time" >= make_timestamp_ns($from_ns) and "time" < make_timestamp_ns($to_ns)
    and ($one_in = 1 or hash(trace_id) % $one_in = 0)
