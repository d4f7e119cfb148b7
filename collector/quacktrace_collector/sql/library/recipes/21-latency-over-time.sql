-- Latency percentiles over time, for a chart
select time, quantile_ms(list(durations), 0.5) as p50_ms, quantile_ms(list(durations), 0.95) as p95_ms,
    quantile_ms(list(durations), 0.99) as p99_ms
from red(now() - interval 1 hour, now())
where is_entry
group by time
order by time
