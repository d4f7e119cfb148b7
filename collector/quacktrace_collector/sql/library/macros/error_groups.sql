-- Only origins: an error that a failing child explains is propagation. Numbers, hex and quoted texts vary within a group.
create macro error_groups(from_time, to_time) as table
    select
        service_name,
        operation,
        exception_type,
        regexp_replace(
            regexp_replace(
                left(exception_message, 500),
                '[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\b0x[0-9a-fA-F]+\b|\b[0-9a-fA-F]{16,}\b|''[^'']*''|"[^"]*"',
                '‹…›',
                'g'
            ),
            '[0-9]+',
            '‹n›',
            'g'
        ) as message,
        count(*) as errors,
        count(distinct trace_id) as traces,
        min(start_time) as first_seen,
        max(start_time) as last_seen,
        arg_max(trace_id, start_time) as example_trace_id,
        arg_max(span_id, start_time) as example_span_id
    from main.errors
    where is_origin and start_time >= from_time and start_time < to_time
    group by all
    order by errors desc, last_seen desc
