select
    (epoch_ns("time") - $origin_ns) // $bucket_ns as bucket,
    case when severity_number >= 17 then 'error' when severity_number >= 13 then 'warn' else 'other' end as severity,
    count(*) as "count"
from logs
where "time" >= make_timestamp_ns($from_ns) and "time" < make_timestamp_ns($to_ns) and {matching}
group by all
