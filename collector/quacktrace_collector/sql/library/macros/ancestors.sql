-- `union` drops what was found before, so a cycle of parents ends.
create macro ancestors(id, descendant_span_id) as table
    with recursive above as (
        select parent_span_id
        from main.spans
        where trace_id = _trace_key(id) and span_id = lower(descendant_span_id)
        union
        select parent.parent_span_id
        from main.spans as parent
        inner join above on parent.span_id = above.parent_span_id
        where parent.trace_id = _trace_key(id)
    )

    select *
    from main.trace(id)
    where span_id in (select parent_span_id from above where parent_span_id is not null)
    order by start_time, span_id
