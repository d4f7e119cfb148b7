-- Both arguments are conditions over the columns of spans. z is the two-proportion score: below 3 in size it is noise.
create macro compare(selection, baseline) as table
    with chosen as materialized (
        select
            coalesce(selection, false) as is_selected,
            list_concat(
                [
                    {'key': 'service_name', 'value': service_name},
                    {'key': 'name', 'value': name},
                    {'key': 'kind', 'value': kind},
                    {'key': 'status_code', 'value': status_code},
                    {'key': 'service_version', 'value': service_version},
                    {'key': 'service_instance_id', 'value': service_instance_id}
                ],
                map_entries(attributes)
            ) as entries
        from main.spans
        where coalesce(selection, false) or coalesce(baseline, false)
    ),

    totals as (
        select
            count(*) filter (is_selected) as selected,
            count(*) filter (not is_selected) as others
        from chosen
    ),

    counted as (
        select
            entry.key as key,
            entry.value as value,
            count(*) filter (is_selected) as selected_spans,
            count(*) filter (not is_selected) as baseline_spans
        from (select is_selected, unnest(entries) as entry from chosen)
        group by all
    ),

    shares as (
        select
            counted.*,
            selected_spans / greatest(selected, 1) as selected_share,
            baseline_spans / greatest(others, 1) as baseline_share,
            (selected_spans + baseline_spans) / greatest(selected + others, 1) as pooled,
            1 / greatest(selected, 1) + 1 / greatest(others, 1) as weight
        from counted, totals
    )

    select
        key,
        value,
        selected_spans,
        baseline_spans,
        selected_share,
        baseline_share,
        selected_share - baseline_share as difference,
        (selected_share - baseline_share) / nullif(sqrt(pooled * (1 - pooled) * weight), 0) as z
    from shares
    where value <> ''
    order by abs(selected_share - baseline_share) desc, selected_spans desc
    limit 200
