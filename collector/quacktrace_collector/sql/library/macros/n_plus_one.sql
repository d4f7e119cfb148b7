-- One span that asks the same thing again and again: children that differ only in the values of what they ask.
create macro n_plus_one(from_time, to_time, least := 5) as table
    with asked as (
        select
            trace_id,
            parent_span_id,
            span_id,
            service_name,
            name,
            regexp_replace(
                regexp_replace(coalesce(db_query_text, rpc_method, http_route, name), '''(?:[^'']|'''')*''', '?', 'g'),
                '\b[0-9]+\b|\$[0-9]+|%s|:[a-z_]+\b',
                '?',
                'g'
            ) as what,
            start_time,
            duration_ns
        from main.spans
        where kind = 'CLIENT' and parent_span_id is not null and start_time >= from_time and start_time < to_time
    ),

    repeated as (
        select
            trace_id,
            parent_span_id,
            service_name,
            what,
            count(*) as calls,
            sum(duration_ns) as total_ns,
            min(start_time) as start_time
        from asked
        group by all
        having count(*) >= least
    )

    select
        repeated.service_name,
        parent.name as operation,
        repeated.what,
        count(*) as spans,
        round(avg(repeated.calls), 1) as calls_per_span,
        max(repeated.calls) as most_calls,
        sum(repeated.total_ns) / 1e6 as total_ms,
        arg_max(repeated.trace_id, repeated.calls) as example_trace_id,
        arg_max(repeated.parent_span_id, repeated.calls) as example_span_id
    from repeated
    left join main.spans as parent
        on parent.trace_id = repeated.trace_id and parent.span_id = repeated.parent_span_id
    group by all
    order by total_ms desc
