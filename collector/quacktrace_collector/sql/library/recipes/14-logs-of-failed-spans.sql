-- Log lines of failed spans
select logs.time, logs.service_name, logs.severity_text, logs.body, logs.trace_id, logs.span_id
from logs
join spans using (trace_id, span_id)
where spans.status_code = 'ERROR'
order by logs.time desc
limit 50
