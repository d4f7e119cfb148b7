-- Only origins: an error that a failing child explains is propagation. Numbers, hex and quoted texts vary within a group;
-- a quote counts only where a word cannot go on, as in "can't".
create macro error_groups(from_time, to_time) as table
    with failed as (
        select
            service_name,
            operation,
            trace_id,
            span_id,
            start_time,
            coalesce(nullif(exception_type, ''), 'HTTP ' || http_response_status_code, '') as exception_type,
            coalesce(exception_message, '')[:2000] as message,
            _application_frame(exception_stacktrace) as frame
        from main.errors
        where is_origin and start_time >= from_time and start_time < to_time
    )

    select
        service_name,
        mode(operation order by operation) as operation,
        exception_type,
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
        ) as message,
        frame,
        count(*) as errors,
        count(distinct trace_id) as traces,
        min(start_time) as first_seen,
        max(start_time) as last_seen,
        arg_max(trace_id, start_time) as example_trace_id,
        arg_max(span_id, start_time) as example_span_id
    from failed
    group by all
    order by errors desc, last_seen desc
