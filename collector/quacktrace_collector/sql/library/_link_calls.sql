-- One row per span link between services: from the service of the span that is linked to, to the service that links.
with linking as (
    select
        trace_id,
        span_id,
        start_time,
        duration_ns,
        status_code,
        service_name,
        unnest(links) as link
    from spans
    where len(links) > 0
)

select
    linking.trace_id,
    linking.span_id,
    linking.start_time,
    linking.duration_ns,
    linking.status_code,
    linked.service_name as client_service,
    linking.service_name as server_service,
    'link' as type
from linking
inner join spans as linked
    on linked.trace_id = linking.link.trace_id and linked.span_id = linking.link.span_id
where linked.service_name <> linking.service_name
