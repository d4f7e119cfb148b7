-- The middle of a bucket that keeps the relative error smallest; sorted entries are walked until the rank is reached.
create macro quantile_ms(histograms, quantile) as
    pow(
        2,
        (
            list_reduce(
                list_sort(flatten(list_transform(histograms, lambda histogram: map_entries(histogram)))),
                lambda reached, entry: case
                    when reached.value >= quantile * list_sum(
                        list_transform(histograms, lambda histogram: list_sum(map_values(histogram)))
                    ) and reached.value > 0 then reached
                    else {'key': entry.key, 'value': reached.value + entry.value}
                end,
                {'key': (-1)::smallint, 'value': 0::bigint}
            ).key + 1
        ) / 8.0
    ) * 2 / (1 + pow(2, 0.125)) / 1e6
