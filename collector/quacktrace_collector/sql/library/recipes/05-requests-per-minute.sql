-- Requests and errors of each service, minute by minute
select time, service_name, sum(calls) as calls, sum(errors) as errors
from red(now() - interval 1 hour, now())
where is_entry
group by all
order by time, service_name
