with unnested as (
    select
        trace_id,
        span_id,
        service_name,
        name as span_name,
        start_time as span_start_time,
        unnest(links) as link
    from spans
    where len(links) > 0
)

select
    trace_id,
    span_id,
    service_name,
    span_name,
    span_start_time,
    link.trace_id as linked_trace_id,
    link.span_id as linked_span_id,
    link.trace_state as linked_trace_state,
    link.flags as flags,
    link.attributes as attributes,
    link.attributes_types as attributes_types,
    link.dropped_attributes_count as dropped_attributes_count
from unnested
