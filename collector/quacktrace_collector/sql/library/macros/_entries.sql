-- All entries of several histograms, in order of their buckets.
create macro _entries(histograms) as
    list_sort(flatten(list_transform(histograms, lambda histogram: map_entries(histogram))))
