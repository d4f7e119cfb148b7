-- A span that ends at the moment is not running any more.
create macro running_at(moment) as table
    select *
    from main.spans
    where start_time <= moment and make_timestamp_ns(epoch_ns(start_time) + duration_ns) > moment
    order by start_time
