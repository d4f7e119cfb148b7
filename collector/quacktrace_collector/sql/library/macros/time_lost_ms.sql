-- What calls took beyond what is usual, added up over merged histograms.
create macro time_lost_ms(histograms, usual_ms) as
    coalesce(
        list_sum(
            list_transform(
                _entries(histograms),
                lambda entry: entry.value * greatest(_middle_ns(entry.key) / 1e6 - usual_ms, 0)
            )
        ),
        0
    )
