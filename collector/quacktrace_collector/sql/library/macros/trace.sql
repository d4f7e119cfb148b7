-- Beyond the 24 hours of de-duplication a span can be stored twice: an ended one beats an open one, then the first to arrive.
create macro trace(id) as table
    select *
    from main.spans
    where trace_id = _trace_key(id)
    qualify
        row_number() over (
            partition by span_id
            order by coalesce(attributes['quacktrace.span.state'] = 'open', false), received_at
        ) = 1
    order by start_time, span_id
