-- Messages lose their variable parts and stacks all but their frames before they are grouped, so that a million failures of
-- one kind leave as a few rows. The order of the replacements matters: the most specific first.
with
failed as (
    select
        trace_id,
        span_id,
        service_name,
        service_version,
        service_instance_id,
        operation,
        epoch_ns(start_time) as start_ns,
        coalesce(nullif(exception_type, ''), 'HTTP ' || http_response_status_code, '') as exception_type,
        coalesce(exception_message, '')[:2000] as message,
        array_to_string(
            regexp_extract_all(
                exception_stacktrace[:64000], '(?m)^[ \t]*(?:File "[^"\n]*", line \d+, in [^\n]*|at [^\n]*|\S+\.go:\d+[^\n]*)$'
            )[:200],
            chr(10)
        ) as frames
    from errors
    where
        is_origin
        and start_time >= make_timestamp_ns($from_ns) and start_time < make_timestamp_ns($to_ns)
        and ($service is null or service_name = $service)
),
normalised as (
    select
        * exclude (message),
        regexp_replace(
            regexp_replace(
                case
                    -- All that a KeyError says is the quoted key.
                    when regexp_full_match(message, '''[^''\n]*''|"[^"\n]*"') then message
                    else regexp_replace(message, '(^|[\s(\[{=:,])(?:''[^''\n]*''|"[^"\n]*")', '\1‹…›', 'g')
                end,
                '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{22}|\b0x[0-9a-fA-F]+\b|\b[0-9a-fA-F]{16,}\b',
                '‹…›',
                'g'
            ),
            '[0-9]+(?:\.[0-9]+)*',
            '‹n›',
            'g'
        ) as message
    from failed
)
select
    service_name,
    operation,
    exception_type,
    message,
    frames,
    count(*) as "count",
    list(distinct trace_id) as trace_ids,
    list(distinct service_version) as versions,
    list(distinct service_instance_id) as instances,
    min(start_ns) as first_ns,
    max(start_ns) as last_ns,
    histogram((start_ns - $origin_ns) // $bucket_ns) as buckets,
    arg_max(trace_id, start_ns) as example_trace_id,
    arg_max(span_id, start_ns) as example_span_id
from normalised
group by service_name, operation, exception_type, message, frames
order by "count" desc
limit 5000
