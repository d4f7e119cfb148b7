-- `union` drops what was found before, so a cycle of parents ends.
create macro descendants(id, ancestor_span_id) as table
    with recursive below as (
        select span_id
        from main.spans
        where trace_id = _trace_key(id) and parent_span_id = lower(ancestor_span_id)
        union
        select child.span_id
        from main.spans as child
        inner join below on child.parent_span_id = below.span_id
        where child.trace_id = _trace_key(id)
    )

    select *
    from main.trace(id)
    where span_id in (select span_id from below)
    order by start_time, span_id
