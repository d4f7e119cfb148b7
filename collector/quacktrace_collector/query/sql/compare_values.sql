-- Which spans are read is decided by a hash of their ids, so the same question has the same answer. A value that hardly
-- occurs cannot be significant, unless it is one of many numbers.
with chosen as (
    select
        *,
        $from_ns <= epoch_ns(start_time) and epoch_ns(start_time) < $to_ns and coalesce({selection}, false) as is_selected,
        $usual_from_ns <= epoch_ns(start_time) and epoch_ns(start_time) < $usual_to_ns and coalesce({baseline}, false) as is_usual
    from spans as listed
    where
        start_time >= make_timestamp_ns(least($from_ns, $usual_from_ns))
        and start_time < make_timestamp_ns(greatest($to_ns, $usual_to_ns))
),
sampled as materialized (
    select
        is_selected,
        [
            {'key': 'service', 'value': service_name},
            {'key': 'name', 'value': name},
            {'key': 'kind', 'value': kind},
            {'key': 'status', 'value': status_code},
            {'key': 'duration_ms', 'value': (duration_ns / 1e6)::varchar}
        ] as intrinsic,
        map_entries(attributes) as attributes,
        map_entries(resource) as resource
    from chosen
    where
        (is_selected and hash(trace_id, span_id) % $one_in = 0)
        or (not is_selected and is_usual and hash(trace_id, span_id) % $usual_one_in = 0)
),
entries as (
    select is_selected, 'intrinsic' as "scope", unnest(intrinsic) as entry from sampled
    union all
    select is_selected, 'span' as "scope", unnest(attributes) as entry from sampled
    union all
    select is_selected, 'resource' as "scope", unnest(resource) as entry from sampled
)
select
    "scope",
    entry.key as "key",
    entry.value[:500] as "value",
    try_cast(entry.value as double) as number,
    count(*) filter (where is_selected) as selected,
    count(*) filter (where not is_selected) as usual
from entries
group by all
having count(*) >= 5 or number is not null
union all
select 'total', '', '', null, count(*) filter (where is_selected), count(*) filter (where not is_selected) from sampled
