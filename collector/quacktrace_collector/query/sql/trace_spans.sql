select
    span_id,
    parent_span_id,
    name,
    kind,
    epoch_ns(start_time) as start_ns,
    duration_ns,
    status_code,
    service_name,
    scope_name,
    coalesce(db_query_text, '')[:$text_length] as query_text,
    epoch_ns(received_at) as received_ns,
    len(links) > 0 as has_links,
    coalesce(attributes['quacktrace.span.state'], '') = 'open' as is_open
from spans
where trace_id = $trace_id
order by start_time, span_id
limit $limit
