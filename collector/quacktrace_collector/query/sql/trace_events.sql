select span_id, epoch_ns(event.time) as time_ns, event.name as name
from (
    select span_id, unnest(events) as event
    from spans
    where trace_id = $trace_id and len(events) > 0
)
