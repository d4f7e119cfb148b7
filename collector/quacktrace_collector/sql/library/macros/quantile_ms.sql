-- Interpolated between neighbouring ranks, as quantile_cont does; a rank's duration is the middle of its bucket.
create macro quantile_ms(histograms, quantile) as
    list_transform(
        [
            {
                'entries': _entries(histograms),
                'position': (
                    list_sum(list_transform(_entries(histograms), lambda entry: entry.value))::double - 1
                ) * quantile
            }
        ],
        lambda merged: case
            when merged.position is null then null
            else (
                _middle_ns(_bucket_at(merged.entries, floor(merged.position))) * (1 - merged.position % 1)
                + _middle_ns(_bucket_at(merged.entries, ceil(merged.position))) * (merged.position % 1)
            ) / 1e6
        end
    )[1]
