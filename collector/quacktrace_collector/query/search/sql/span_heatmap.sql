select
    cast((epoch_ns(start_time) - $origin_ns) // $length_ns as integer) as bucket,
    cast(floor(log10(greatest(duration_ns, 1)) * $rows_per_decade) as integer) as row,
    count(*) as spans,
    count(*) filter (status_code = 'ERROR') as errors
from spans as listed
where start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns) and {matching} and {scope}
group by all
