-- Files, networks and what the engine knows of its host.
select * from read_csv('/etc/passwd')

select * from 'x.parquet'

select * from "https://example.com/x.csv"

from '/etc/passwd'

select (select content from read_text('/etc/passwd'))

with x as (from glob('/*')) from x

select * from spans where exists (from read_blob('/proc/self/environ'))

from spans, lateral (from read_text(spans.name))

from spans positional join read_text('/etc/passwd')

from parquet_metadata('x.parquet')

from sniff_csv('x.csv')

from query('select 1')

from query_table('spans')

from query_table(['spans'])

from json_execute_serialized_sql(json_serialize_sql('select 1'))

select json_serialize_sql('select 1')

select json_serialize_plan('select 1')

select getenv('HOME')

select current_setting('memory_limit')

select getvariable('x')

from duckdb_settings()

from duckdb_settings

from duckdb_tables

from pragma_table_info('spans')

from information_schema.tables

from pg_catalog.pg_class

from pg_class

from sqlite_master

from which_secret('s3://x', 's3')

-- Names outside the list, and CTEs that only look as if they allowed them.
from _calls

from _feed_spans_1

from temp.main._segments

from memory.main.spans

from nope

with duckdb_settings as (from duckdb_settings) from duckdb_settings

with a as (from duckdb_settings), duckdb_settings as (select 1) from a

select 1 from (with duckdb_tables as (select 1) from duckdb_tables), duckdb_tables

with x as (select 1) from main.x

with recursive duckdb_settings as (from duckdb_settings union all from duckdb_settings where false) from duckdb_settings

with recursive duckdb_settings as (select * from duckdb_settings) from duckdb_settings

with "ducKdb_settings" as (select 1) from duckdb_settings

with a as materialized (from duckdb_settings) from a

with recursive r as (select 1 union all select * from r, duckdb_settings) from r

with x as (select 1) from x union all from duckdb_settings

select (with duckdb_settings as (select 1) select count(*) from duckdb_settings) from duckdb_settings

from spans s, s.events

select 'HOME'.getenv()

select main.getenv('x')

select system.main.lower('x')

from spans at (version => 1)

-- Everything that is not a query.
insert into spans select * from spans

delete from spans

update spans set name = 'x'

truncate spans

drop view spans

create table t as select 1

create temp table t as select 1

create macro lower(x) as 'x'

create or replace view spans as select 1

copy (select 1) to 'x.csv'

copy spans from 'x.csv'

export database 'x'

attach 'x.db' as x

detach memory

use memory

set memory_limit = '100GB'

reset memory_limit

set variable x = 1

pragma database_list

call enable_logging()

install httpfs

load httpfs

checkpoint

vacuum

begin

commit

prepare p as select 1

execute p

deallocate p

comment on table spans is 'x'

alter table spans rename to x

merge into spans using (select 1) on true when matched then delete

create secret s (type s3)

update extensions

with d as (delete from spans returning *) from d

from (with d as (insert into spans select * from spans returning *) from d)

select 1; select 2

select 1; drop view spans

pivot spans on kind; drop view spans

-- EXPLAIN, DESCRIBE, SHOW and PIVOT of what is refused.
explain select * from read_text('/etc/passwd')

explain analyze copy (select 1) to 'x.csv'

explain explain select 1

explain (format html) select 1

explain delete from spans

describe read_text('/etc/passwd')

describe duckdb_settings

summarize 'x.parquet'

from (describe (from read_text('/etc/passwd')))

from (show tables)

show databases

show memory_limit

show variables

show tables from memory

explain (analyze, format json) select 1

pivot read_text('/etc/passwd') on content using count(*)

pivot spans on getenv('x') using count(*)

pivot spans on kind using getenv(name)

pivot (from duckdb_settings()) on name using count(*)

-- Functions that write, sleep, show a session or take raw state.
select nextval('s')

select write_log('x')

select setseed(0.5)

select sleep_ms(1000)

select pg_sleep(1000)

select txid_current()

select current_query()

select current_database()

select list_aggregate([1], 'getenv')

select list_aggregate([1], name) from spans

select finalize(1)

select count(*) over (order by getenv('x')) from spans

select * from spans order by getenv('x')

select * from spans limit (select getenv('x')::int)

select * replace (getenv('x') as name) from spans

select sum(1) filter (where getenv('x') = '') from spans

select list_transform([1], lambda x: getenv('x'))

from compare(getenv('x') = '', true)

from trace(getenv('x'))

from range((select count(*) from duckdb_settings()))

from checkpoint()

-- What cannot be a statement.
select ?

select $1

select $name

select

-- nothing

;

selec 1
