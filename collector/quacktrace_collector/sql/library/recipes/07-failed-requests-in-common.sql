-- What failed requests have in common
from compare(status_code = 'ERROR' and parent_span_id is null, parent_span_id is null)
where abs(z) > 3
limit 20
