-- Who calls whom, how often and how fast
select client_service, server_service, type, sum(calls) as calls, sum(errors) as errors,
    quantile_ms(list(durations), 0.95) as p95_ms
from edges(now() - interval 1 hour, now())
group by all
order by calls desc
