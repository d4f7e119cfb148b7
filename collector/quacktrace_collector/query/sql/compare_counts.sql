-- Counted first, to know which part of each side is enough: reading the attributes is what costs.
select
    count(*) filter (where is_selected) as selected,
    count(*) filter (where not is_selected) as others
from (
    select
        $from_ns <= epoch_ns(start_time) and epoch_ns(start_time) < $to_ns and coalesce({selection}, false) as is_selected,
        $usual_from_ns <= epoch_ns(start_time) and epoch_ns(start_time) < $usual_to_ns and coalesce({baseline}, false) as is_usual
    from spans as listed
    where
        start_time >= make_timestamp_ns(least($from_ns, $usual_from_ns))
        and start_time < make_timestamp_ns(greatest($to_ns, $usual_to_ns))
)
where is_selected or is_usual
