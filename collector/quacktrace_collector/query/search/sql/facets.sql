with matched as materialized (
    select hash(trace_id) as trace {values}
    from spans as listed
    where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns) and {matching} and {scope}
    limit $most_spans
),
counted as (
    {counted}
)
select facet, value, spans, traces, count(*) over (partition by facet) as distinct_values
from counted
qualify row_number() over (partition by facet order by {by} desc, value) <= $most_values
order by facet, {by} desc, value
