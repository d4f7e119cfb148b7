-- The earliest span that has the attribute speaks for its trace: the root, where the root has it.
select trace_id {values}
from spans
where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
    and trace_id in (select unnest($trace_ids))
group by trace_id
