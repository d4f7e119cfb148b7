-- A child counts from where those before it ended, so overlapping children are not subtracted twice.
create macro self_time(id) as table
    with placed as materialized (
        select
            span_id,
            parent_span_id,
            service_name,
            name,
            kind,
            start_time,
            duration_ns,
            epoch_ns(start_time) as start_ns,
            epoch_ns(start_time) + duration_ns as end_ns
        from main.trace(id)
    ),

    clipped as (
        select
            parent.span_id,
            greatest(child.start_ns, parent.start_ns) as start_ns,
            least(child.end_ns, parent.end_ns) as end_ns
        from placed as child
        inner join placed as parent on parent.span_id = child.parent_span_id
        where child.start_ns < parent.end_ns and child.end_ns > parent.start_ns
    ),

    uncovered as (
        select
            span_id,
            end_ns,
            greatest(
                start_ns,
                coalesce(
                    max(end_ns) over (
                        partition by span_id
                        order by start_ns, end_ns
                        rows between unbounded preceding and 1 preceding
                    ),
                    start_ns
                )
            ) as start_ns
        from clipped
    ),

    covered as (
        select
            span_id,
            sum(greatest(end_ns - start_ns, 0)) as covered_ns
        from uncovered
        group by span_id
    )

    select
        placed.span_id,
        placed.parent_span_id,
        placed.service_name,
        placed.name,
        placed.kind,
        placed.start_time,
        placed.duration_ns,
        (placed.duration_ns - coalesce(covered.covered_ns, 0))::bigint as self_time_ns
    from placed
    left join covered using (span_id)
    order by self_time_ns desc
