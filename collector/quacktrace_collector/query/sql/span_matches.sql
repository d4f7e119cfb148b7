select distinct span_id
from spans
where trace_id = $trace_id and {matching}
limit $limit
