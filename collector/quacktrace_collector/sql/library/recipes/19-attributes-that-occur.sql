-- Attributes that occur, in how many spans, with an example
select entry.key as attribute, count(*) as spans, count(distinct entry.value) as distinct_values,
    any_value(entry.value) as example
from (select unnest(map_entries(attributes)) as entry from spans where start_time > now() - interval 1 hour)
group by all
order by spans desc
