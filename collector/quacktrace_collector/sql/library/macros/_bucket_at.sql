-- The bucket that holds the value of this rank, counted from 0; `entries` are a histogram's, in order.
create macro _bucket_at(entries, wanted_rank) as
    list_reduce(
        entries,
        lambda reached, entry: case
            when reached.value > wanted_rank then reached
            else {'key': entry.key, 'value': reached.value + entry.value}
        end,
        {'key': (-1)::smallint, 'value': 0::bigint}
    ).key
