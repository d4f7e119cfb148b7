-- Traces that miss a span: who lost its parent
select trace_id, start_time, services, span_count
from traces
where not is_complete
order by start_time desc
limit 20
