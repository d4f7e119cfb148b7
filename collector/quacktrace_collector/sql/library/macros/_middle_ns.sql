-- The duration that stands for a bucket: as far from one bound as from the other, relative to it.
create macro _middle_ns(bucket) as pow(2, (bucket + 1) / 8.0) * 2 / (1 + pow(2, 0.125))
