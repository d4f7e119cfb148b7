-- Both arguments are conditions over the columns of spans. The walk goes up from the descendants, which are fewer as a rule,
-- and only through their traces.
create macro with_descendant(ancestor, descendant) as table
    with recursive wanted as materialized (
        select
            trace_id,
            span_id,
            parent_span_id
        from main.spans
        where coalesce(descendant, false)
    ),

    related as materialized (
        select
            trace_id,
            span_id,
            parent_span_id
        from main.spans
        where trace_id in (select trace_id from wanted)
    ),

    above as (
        select
            trace_id,
            parent_span_id as ancestor_id,
            span_id as descendant_span_id
        from wanted
        where parent_span_id is not null
        union
        select
            related.trace_id,
            related.parent_span_id,
            above.descendant_span_id
        from related
        inner join above on above.trace_id = related.trace_id and above.ancestor_id = related.span_id
        where related.parent_span_id is not null
    ),

    chosen as (
        select *
        from main.spans
        where coalesce(ancestor, false) and trace_id in (select trace_id from wanted)
    )

    select
        chosen.*,
        above.descendant_span_id
    from chosen
    inner join above on above.trace_id = chosen.trace_id and above.ancestor_id = chosen.span_id
