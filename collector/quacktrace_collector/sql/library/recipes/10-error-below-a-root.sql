-- Requests that succeeded although something below them failed
select trace_id, span_id, service_name, name, descendant_span_id
from with_descendant(parent_span_id is null and status_code <> 'ERROR', status_code = 'ERROR')
limit 50
