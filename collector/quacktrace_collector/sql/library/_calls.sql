-- One row per span, placed between services. A double of a parent would double its children, so parents are joined as they
-- are: doubles beyond the 24 hours of de-duplication are rare and count as rows of their own everywhere else too.
select
    child.trace_id,
    child.span_id,
    child.parent_span_id,
    child.start_time,
    child.duration_ns,
    child.service_name,
    child.name as operation,
    child.kind,
    child.status_code,
    parent.service_name as parent_service_name,
    child.parent_span_id is null
        or coalesce(parent.service_name <> child.service_name, false)
        or (parent.span_id is null and child.kind in ('SERVER', 'CONSUMER')) as is_entry
from spans as child
left join spans as parent
    on parent.trace_id = child.trace_id and parent.span_id = child.parent_span_id
