-- Both arguments are conditions over the columns of spans.
create macro with_child(parent, child) as table
    with wanted as (
        select
            trace_id,
            span_id,
            parent_span_id
        from main.spans
        where coalesce(child, false) and parent_span_id is not null
    ),

    chosen as (
        select *
        from main.spans
        where coalesce(parent, false)
    )

    select
        chosen.*,
        wanted.span_id as child_span_id
    from chosen
    inner join wanted on wanted.trace_id = chosen.trace_id and wanted.parent_span_id = chosen.span_id
