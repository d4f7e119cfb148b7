select
    span_id,
    service_name,
    operation,
    coalesce(nullif(exception_type, ''), 'HTTP ' || http_response_status_code, '') as exception_type,
    coalesce(exception_message, '')[:1000] as message
from errors
where is_origin
order by start_time desc, span_id
limit 10
