-- From the root's end backwards: the child that ended last before the cursor was waited for; what lies between is the
-- span's own. A child that outlives its parent counts up to the parent's end only.
create macro critical_path(id) as table
    with recursive placed as materialized (
        select
            span_id,
            parent_span_id,
            service_name,
            name,
            epoch_ns(start_time) as start_ns,
            epoch_ns(start_time) + duration_ns as end_ns
        from main.trace(id)
    ),

    walk as (
        (
            select
                span_id,
                start_ns,
                end_ns as cursor_ns
            from placed
            where parent_span_id is null
            order by start_ns, span_id
            limit 1
        )
        union all
        (
            with waited as (
                select
                    walk.span_id,
                    walk.start_ns,
                    arg_max(
                        {
                            'span_id': child.span_id,
                            'start_ns': greatest(child.start_ns, walk.start_ns),
                            'end_ns': least(child.end_ns, walk.cursor_ns)
                        },
                        (least(child.end_ns, walk.cursor_ns), child.start_ns, child.span_id)
                    ) as child
                from walk
                inner join placed as child on child.parent_span_id = walk.span_id
                where child.start_ns < walk.cursor_ns and child.end_ns > walk.start_ns
                group by walk.span_id, walk.start_ns, walk.cursor_ns
            )

            select
                child.span_id,
                child.start_ns,
                child.end_ns
            from waited
            union all
            select
                span_id,
                start_ns,
                child.start_ns
            from waited
            where child.start_ns > start_ns
        )
    ),

    segments as (
        select
            walk.span_id,
            walk.cursor_ns as to_ns,
            greatest(
                walk.start_ns,
                coalesce(max(least(child.end_ns, walk.cursor_ns)) filter (child.start_ns < walk.cursor_ns), walk.start_ns)
            ) as from_ns
        from walk
        left join placed as child
            on child.parent_span_id = walk.span_id and child.start_ns < walk.cursor_ns and child.end_ns > walk.start_ns
        group by walk.span_id, walk.start_ns, walk.cursor_ns
    )

    select
        segments.span_id,
        placed.service_name,
        placed.name,
        make_timestamp_ns(segments.from_ns) as from_time,
        make_timestamp_ns(segments.to_ns) as to_time,
        segments.to_ns - segments.from_ns as duration_ns
    from segments
    inner join placed using (span_id)
    where segments.to_ns > segments.from_ns
    order by segments.from_ns, segments.to_ns
