with unnested as (
    select
        trace_id,
        span_id,
        service_name,
        name as span_name,
        start_time as span_start_time,
        unnest(events) as event
    from spans
    where len(events) > 0
)

select
    event.time as time,
    event.name as name,
    event.attributes as attributes,
    event.attributes_types as attributes_types,
    event.dropped_attributes_count as dropped_attributes_count,
    trace_id,
    span_id,
    service_name,
    span_name,
    span_start_time
from unnested
