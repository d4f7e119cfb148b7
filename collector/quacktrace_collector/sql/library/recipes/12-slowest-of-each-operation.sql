-- The slowest trace of each entry operation, against its median
from slow_traces(now() - interval 1 day, now(), most := 1)
