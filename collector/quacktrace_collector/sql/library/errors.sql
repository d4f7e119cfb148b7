-- Only the deepest failing span of a chain is an origin; a failing child makes its parent's error propagation.
with failed as (
    select
        trace_id,
        span_id,
        parent_span_id,
        service_name,
        name as operation,
        kind,
        start_time,
        duration_ns,
        status_message,
        error_type,
        http_response_status_code,
        service_version,
        service_instance_id,
        list_filter(events, lambda event: event.name = 'exception') as exceptions
    from spans
    where status_code = 'ERROR'
)

select
    failed.trace_id,
    failed.span_id,
    failed.parent_span_id,
    failed.service_name,
    failed.operation,
    failed.kind,
    failed.start_time,
    failed.duration_ns,
    failed.status_message,
    coalesce(failed.exceptions[-1].attributes['exception.type'], failed.error_type) as exception_type,
    coalesce(failed.exceptions[-1].attributes['exception.message'], nullif(failed.status_message, '')) as exception_message,
    failed.exceptions[-1].attributes['exception.stacktrace'] as exception_stacktrace,
    failed.http_response_status_code,
    not exists (
        select 1
        from spans as child
        where
            child.status_code = 'ERROR'
            and child.trace_id = failed.trace_id
            and child.parent_span_id = failed.span_id
    ) as is_origin,
    failed.service_version,
    failed.service_instance_id
from failed
