select count(*) from spans

select service_name, count(*) n, quantile_cont(duration_ns, [0.5, 0.95, 0.99]) p from spans group by 1 order by n desc limit 20;

with t as (select trace_id, max(end_time) - min(start_time) d from spans group by 1) select * from t order by d desc limit 10

/* a comment */ select 'read_text' as x, "name" from spans -- where getenv('x')

select name from spans where name = 'DROP TABLE spans; --'

from spans select service_name limit 5

select *, row_number() over (partition by service_name order by duration_ns desc) r from spans qualify r <= 3

select * exclude (attributes) replace (upper(name) as name) from spans limit 3

select service_name, list(name order by duration_ns desc)[1:3] from spans group by 1

select count(*) filter (status_code = 'ERROR') / count(*) from spans

with recursive r as (select span_id, parent_span_id, 0 d from spans where parent_span_id is null union all select s.span_id, s.parent_span_id, r.d + 1 from spans s join r on s.parent_span_id = r.span_id where r.d < 20) select max(d) from r

with recursive r(n) as (select 1 union select n + 1 from r where n < 5), s as (from r) select * from s, r

with recursive spans as (select 1 as n union all select n + 1 from spans where n < 3) from spans

WITH Mixed AS (SELECT 1) SELECT * FROM mixed, MIXED m, Spans

select E'it\'s -- no comment', $$it's$$, $a$ $$ $a$, /* /* */ */ 1

select interval 1 day, /* /* ' */ ; */ E'\' -- ' as x;

select range i from range(24)

select i from range(3) t(i), generate_series(1, i)

select unnest(['a', 'b']), unnest({'a': 1})

pivot spans on status_code using count(*) group by service_name

pivot spans on status_code in ('OK', 'ERROR') using count(*) group by service_name

with s as (from spans) pivot s on kind, status_code using count(*) group by service_name

unpivot (select 1 a, 2 b) on a, b

describe spans

describe select 1

summarize spans

show tables

show all tables

explain select count(*) from spans

EXPLAIN /* why */ ANALYZE select count(*) from spans

select histogram(status_code), approx_quantile(duration_ns, 0.99) from spans

select count(*) from spans where start_time > now() - interval 1 hour

select count(*) from spans where start_time between current_timestamp - interval '2 days' and now()

select count(*) from spans where start_time >= '2026-11-22T23:00:00.123456789Z' and start_time < date '2030-01-01'

select attributes['http.route'] route, map_keys(resource), events[1].name, len(links) from spans limit 1

select json_extract_string('{"a":1}', '$.a'), '{"a":1}'::json->>'a', json_keys('{}')

select [x + 1 for x in [1, 2]], list_transform([1], lambda x: x), list_filter([1], x -> x > 0)

select list_aggregate([1, 2], 'sum'), list_sum([1])

select case when true then 1 end, coalesce(null, 1), try(1 / 0), try_cast('x' as int), 1 between 0 and 2, (select 1), exists (from spans), 1 in (1, 2), 1 = any ([1])

select extract(year from start_time), date_trunc('hour', start_time), start_time at time zone 'UTC' from spans limit 1

select 'a' like 'b' escape '!', 'a' similar to 'a', 'a' ~ 'a', 'a' ilike 'A', 'x' collate nocase, substring('abc' from 2 for 1), position('a' in 'ba'), trim(both 'x' from 'xax')

select columns('trace.*') from spans limit 1

select name, grouping(name) from spans group by rollup (name)

select a.name from spans a asof join spans b on a.start_time >= b.start_time limit 1

select * from spans s, unnest(s.events) e limit 1

select s.trace_id from spans s, lateral (select s.duration_ns d) x where x.d > 0

select 1 union all select 2 except select 3

values (1), (2)

table traces

from traces natural join (select 1)

from main.spans limit 1

with spans as (select 1 as x) select x from spans

with a as (select 1 x), b as (from a) from b

with a as materialized (select 1 x) select * from a where x in (with c as (select 1) from c)

select count(*) from spans tablesample 10%

select first_value(name) over w from spans window w as (partition by kind order by start_time rows between 1 preceding and current row)

from trace('00000000000000000000000000000001')

from trace(id := '00-00000000000000000000000000000001-0000000000000001-01')

from descendants('01', '02')

from self_time((select min(trace_id) from spans))

from critical_path('01') order by duration_ns desc

from error_groups(now() - interval 1 day, now())

from compare(duration_ns > 500_000_000 and kind = 'SERVER', kind = 'SERVER') where abs(z) > 3

select client_service, server_service, sum(calls), quantile_ms(list(durations), 0.95) from edges group by all

select minute, service_name, sum(calls) from red where is_entry group by all

from segments

select exception_type, count(*) from errors where is_origin group by all

from events where name = 'exception'

from links

from edge_calls where type = 'database'

from logs where severity_number >= 17

select md5(name), hash(name), uuid() is not null, random() < 2, typeof(name), strftime(start_time, '%H'), epoch_ms(start_time), regexp_extract(name, '(\d+)', 1), printf('%d', 1), format('{}', 1), array_to_string([1], ','), string_split('a b', ' ') from spans limit 1

select sum(duration_ns), avg(duration_ns), median(duration_ns), stddev(duration_ns), arg_max(name, duration_ns), bool_or(true), string_agg(name, ','), count(distinct name), any_value(name), mode(kind), max(name, 2) from spans
