select
    span_id,
    epoch_ns(event.time) as time_ns,
    event.name as name,
    event.attributes as attributes,
    event.attributes_types as attributes_types
from (
    select span_id, unnest(events) as event
    from spans
    where trace_id = $trace_id and len(events) > 0
)
order by time_ns, span_id
limit $limit
