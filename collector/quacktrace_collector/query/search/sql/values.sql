with recent as materialized (
    select {value} as value
    from spans
    where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
    limit $most_spans
)
select value, count(*) as spans
from recent
where value ilike $pattern escape '\'
group by value
order by spans desc, value
limit $limit
