with recent as materialized (
    select map_keys(attributes) as span_keys, map_keys(resource) as resource_keys
    from spans
    where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
    limit $most_spans
)
select key, count(*) as spans
from (
    select unnest(span_keys) as key from recent
    union all
    select 'resource.' || unnest(resource_keys) from recent
)
where key ilike $pattern escape '\'
group by key
order by spans desc, key
limit $limit
