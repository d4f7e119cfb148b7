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

-- The same kinds in other clothes: every place a function, a table or a file can stand in.
select * from read_csv_auto('/etc/passwd')

select * from read_json('/etc/passwd')

select * from read_json_objects('/etc/passwd')

select * from read_json_objects_auto('/etc/passwd')

select * from read_ndjson('/etc/passwd')

select * from read_ndjson_auto('/etc/passwd')

select * from read_parquet(['/tmp/lab/s5/data/sealed/*'])

select * from parquet_scan('/etc/x')

select * from parquet_metadata('/x')

select * from parquet_file_metadata('/x')

select * from parquet_kv_metadata('/x')

select * from parquet_bloom_probe('/x','a',1)

select * from parquet_full_metadata('/x')

select * from read_blob('/etc/passwd')

select * from sniff_csv('/etc/passwd')

select * from glob('*')

select * from read_xlsx('x.xlsx')

select * from st_read('x.shp')

select * from sqlite_scan('x.db','t')

select * from mysql_scan('x','y','z')

select * from postgres_query('x','y')

select * from iceberg_scan('x')

select * from delta_scan('x')

select * from read_avro('x')

select * from arrow_scan(1,2,3)

select * from arrow_scan_dumb(140000000,1,1)

select * from pandas_scan(1)

select * from python_map_function(1)

select * from duckdb_tables()

select * from duckdb_columns()

select * from duckdb_views()

select * from duckdb_functions()

select * from duckdb_secrets()

select * from duckdb_memory()

select * from duckdb_temporary_files()

select * from duckdb_databases()

select * from duckdb_schemas()

select * from duckdb_indexes()

select * from duckdb_constraints()

select * from duckdb_sequences()

select * from duckdb_types()

select * from duckdb_keywords()

select * from duckdb_optimizers()

select * from duckdb_log_contexts()

select * from duckdb_external_file_cache()

select * from duckdb_prepared_statements()

select * from duckdb_approx_database_count()

select * from duckdb_dependencies()

select * from duckdb_secret_types()

select * from pragma_table_info('spans')

select * from pragma_show('spans')

select * from pragma_storage_info('spans')

select * from pragma_database_size()

select * from pragma_user_agent()

select * from pragma_version()

select * from pragma_platform()

select * from pragma_collations()

select * from pragma_metadata_info()

select * from show_tables()

select * from test_all_types()

select * from test_vector_types(1)

select * from sql_auto_complete('sel')

select * from repeat_row(1, num_rows:=10), read_text('/etc/passwd')

select * from json_execute_serialized_sql('x')

select * from query('from duckdb_settings()')

select * from query_table('duckdb_settings')

select * from query_table('spans', true)

select * from enable_logging()

select * from truncate_duckdb_logs()

select * from checkpoint('memory')

select * from enable_profiling()

select * from summary((from spans))

select * from index_scan('x')

select * from seq_scan('spans')

select * from from_substrait('x')

select * from from_substrait_json('x')

select * from load_aws_credentials()

select * from shell('ls')

select * from tpch_queries()

select * from dbgen(sf:=1)

select * from read_duckdb('x.db')

select * from http_get('http://127.0.0.1')

select * from ui_start()

select * from start_ui()

select * from dsdgen(sf=1)

select * from unnest(getenv('HOME'))

select * from range(getenv('X')::int)

select * from pg_timezone_names()

select * from pg_catalog.pg_settings

select * from information_schema.schemata

select * from pg_settings

select * from pg_database

select * from pg_tables

select * from pg_stat_activity

select * from duckdb_logs_parsed('HTTP')

select * from sqlite_schema

select * from sqlite_temp_master

select * from system.information_schema.tables

select * from temp.spans

select * from memory.spans

select * from memory.main._segments

select * from _segments

select * from _tables

select * from main._tables

select * from _feed_spans_0

select * from _empty_spans

select * from _inferred_calls

select * from pragma_database_list

select * from duckdb_extensions

select * from duckdb_secrets

select * from duckdb_settings

select * from "duckdb_settings"

select * from "DUCKDB_SETTINGS"

select * from "duckdb_settings"()

select * from 'file:///etc/passwd'

select * from '/etc/passwd'

select * from 'http://127.0.0.1:23118/metrics'

select * from 's3://a/b.parquet'

select * from "/etc/hosts.csv"

select * from '/proc/self/environ'

select * from '/dev/stdin'

select * from 'gs://x/y'

select * from 'hf://datasets/x'

select * from 'az://x/y.parquet'

select * from "../../x.csv"

select * from 'x.csv.gz'

select * from 'x.db'

select * from 'x.xlsx'

select * from x.y.z.w

select * from "a"."b"."spans"

select * from spans AT (TIMESTAMP => now())

select current_setting('home_directory')

select current_schema()

select current_user

select session_user

select current_catalog

select version_x()

select nextval('x')

select currval('x')

select pg_get_viewdef(1)

select inet_client_addr()

select pg_backend_pid()

select sleep(10)

select pg_sleep(10)

select json_deserialize_sql('x')

select add_parquet_key('a','b')

select parse_duckdb_log_message('a','b')

select current_role

select current_connection_id()

select current_transaction_id()

select in_search_path('a','b')

select has_table_privilege('a','b')

select obj_description(1)

select __internal_compress_string_utinyint('a')

select __internal_decompress_string('a')

select read_text('/etc/passwd')

select read_blob('x')

select glob('*')

select st_astext(1)

select invoke(1)

select vector_type(1)

select stats(1)

select set_config('a','b',true)

select lo_import('/etc/passwd')

select load_extension('x')

select system('ls')

select exec('ls')

select eval('1')

select http_post('http://x')

select xp_cmdshell('x')

select query('select 1')

select to_substrait('x')

select create_sort_key(1,'ASC')

select combine(1,2)

select get_block_size('x')

select cast_to_type(1,2)

select md5_file('x')

select pg_read_file('/etc/passwd')

select icu_sort_key('a','b')

select is_histogram_other_bin(1)

select __x()

insert into spans values (1)

insert or replace into spans select * from spans

replace into spans select 1

delete from spans where true returning *

with x as (insert into spans select * from spans returning *) select * from x

with x as (update spans set name = 'a' returning *) select * from x

with x as materialized (delete from logs returning 1) from x

with recursive x as (delete from logs returning 1) from x

select * from (delete from spans returning *)

select (delete from spans returning 1)

from (insert into spans select * from spans returning *)

explain analyze delete from spans

explain (analyze) delete from spans

explain (analyze, format json) update spans set name='x'

explain copy spans to '/tmp/x'

explain attach 'x'

explain set x = 1

explain analyze select * from read_text('/etc/passwd')

describe (from read_text('/etc/passwd'))

describe delete from spans

describe '/etc/passwd'

describe table '/etc/passwd.csv'

summarize read_csv('/etc/passwd')

summarize '/etc/passwd.csv'

summarize duckdb_settings()

summarize duckdb_settings

show schemas

show tables from temp

show spans; drop view spans

pivot duckdb_settings() on name using count(*)

pivot '/etc/passwd.csv' on column0

pivot read_csv('/etc/passwd') on column0 using count(*)

pivot (from read_csv('/etc/passwd')) on column0 using count(*)

pivot spans on getenv('HOME') using count(*)

pivot spans on kind using max(getenv('HOME'))

pivot spans on kind in (select getenv('HOME')) using count(*)

unpivot duckdb_settings on value

unpivot (from read_text('/etc/x')) on content

prepare p as delete from spans; execute p

call duckdb_settings()

call pragma_version()

call range(10)

pragma version

pragma enable_progress_bar

pragma table_info('spans')

pragma memory_limit='1TB'

set session memory_limit='1TB'

set local x = 1

set search_path = 'temp'

set schema 'temp'

set threads to 100

set python_enable_replacements = true

set python_scan_all_frames = true

set custom_user_agent = 'x'

set s3_access_key_id = 'x'

set variable a = (select getenv('HOME'))

reset all

use temp

begin; delete from spans; commit

start transaction

abort

commit and chain

create schema x

create sequence s

create type t as enum ('a')

create index i on spans(name)

create function f(x) as x

create macro now() as 1

create temp macro count(x) as 1

create or replace macro trace(id) as table select 1

create table x as from spans

create temp view v as select 1

create view if not exists v as select 1

create trigger x before insert on spans execute y

create user x

create role x

grant all on spans to public

revoke all on spans from public

alter view spans rename to x

alter table spans add column x int

drop table spans cascade

drop schema main cascade

drop macro trace

drop function now

drop type if exists x

attach database '/tmp/x.db' (type sqlite)

attach 'http://x' as h

attach or replace ':memory:' as memory

detach database if exists memory

import database '/tmp'

copy spans to stdout

copy (from spans) to '/dev/stdout'

copy spans to 'x.parquet' (format parquet, partition_by (kind))

copy from database memory to x

copy (select 1) to 's3://x/y'

export database '/tmp/x' (format csv)

install spatial from 'http://127.0.0.1/x'

force install json

load json

load spatial

force checkpoint

vacuum analyze

analyze spans

refresh materialized view x

comment on column spans.name is 'x'

listen x

notify x

lock table spans

declare c cursor for select 1

fetch all from c

do $$ begin end $$

explain explain select getenv('x')

values (getenv('HOME'))

table duckdb_settings

from duckdb_settings() select *

select * from spans union all select * from duckdb_settings()

select * from spans where name in (from read_text('/etc/passwd'))

select * from spans where name = any(select content from read_text('/etc/passwd'))

select case when true then getenv('a') end

select list_transform([1], x -> getenv('HOME'))

select list_transform([1], lambda x: getenv('HOME'))

select [getenv('a') for x in [1]]

select {'a': getenv('a')}

select map([getenv('a')],[1])

select columns(x -> getenv(x) is null) from spans

select * replace (getenv('HOME') as name) from spans

select * exclude (name) from spans, read_text('/etc/passwd')

select count(*) over (order by getenv('a')) from spans

select sum(1) filter (getenv('a') is null) from spans

select sum(1 order by getenv('a')) from spans

select 1 order by getenv('a')

select 1 limit getenv('a')::int

select 1 limit (select count(*) from read_text('/etc/passwd'))

select 1 offset (select 1 from glob('*'))

select 1 limit (select 10 from glob('/etc/*'))%

select 1 group by getenv('a')

select 1 having getenv('a') = ''

select 1 qualify getenv('a') = ''

select * from spans tablesample (getenv('x')::int rows)

select distinct on (getenv('a')) 1

select * from spans join logs on getenv('a') = ''

select * from range(1) t(x), lateral (select getenv('a'))

select * from spans asof join read_text('x') on true

select (select (select (select getenv('HOME'))))

select ('HOME').getenv().upper()

select "getenv"('HOME')

select GETENV('HOME')

select /* hi */ getenv /* x */ ('HOME')

select system.getenv('x')

select pg_catalog.current_database()

select list_aggr([1,2], getenv('x'))

select list_aggregate(['a'], 'to_aggregate_state')

select ?

select :name

;;select 1; delete from spans

; drop view spans

select 'a' /* ; */ ; delete from spans

\

from

select * from

select 'unterminated

select "unterminated

select $$unterminated

select /* unterminated

with a as (select 1)

)

select ((1)

select trim(both from

SELECT * FROM spans WHERE

{{7*7}}

<script>alert(1)</script>

' or 1=1 --

select e'\x00'||getenv('a')

from ſpans

select ｇｅｔｅｎｖ('HOME')

from ｓｐａｎｓ

select getenv('HOME')

select ​getenv('HOME')

with duckdb_settings as (select 1), x as (from duckdb_settings()) from x

with spans as (from read_text('/etc/passwd')) from spans

with read_text as (select 1) from read_text('x')

with getenv as (select 1) select getenv('HOME')

with x(a) as (select getenv('HOME')) from x

with a as (with b as (from duckdb_settings()) from b) from a

with recursive r(n) as (select 1 union all select n+1 from r, glob('*')) from r

with recursive r(n) using key (n) as (select 1 union select getenv('a')) from r

from trace('a') union all from duckdb_settings()

from trace((select content from read_text('/etc/passwd')))

from trace(getenv('HOME'))

from compare(getenv('HOME') = '', true)

from compare((select count(*) > 0 from duckdb_settings()), true)

from error_groups(now(), (select content from read_text('x')))

from self_time(x => getenv('a'))

from repeat(getenv('a'), 3)

from generate_series(1, (select count(*) from glob('*')))

from unnest((select list(value) from duckdb_settings()))

from json_each((select content from read_text('/etc/passwd')))

select try_cast(getenv('a') as int)

select cast(getenv('a') as json)

select 'x' collate nocase || getenv('a')

select getenv('a') between 'a' and 'b'

select exists(from glob('*'))

select not exists (from glob('*'))

select array(select content from read_text('/etc/passwd'))

select x.* from (select getenv('a')) x

select struct_extract(row(getenv('a')), 1)

select * from spans s, s.events

from (values (getenv('HOME')))

values (1), (getenv('a'))

(select getenv('a')) union (select 1)

select 1 intersect from duckdb_settings()

select 1 except select getenv('a')

select 1 union by name from duckdb_settings()

match_recognize

select * from spans match_recognize (pattern (a))

select * from graph_table (x match (a))

from duckdb_logs

select sql from sqlite_master

from st_drivers()

select * from spans for update

select * into x from spans

select 1 into outfile '/tmp/x'

load data infile 'x' into table spans

truncate table spans

kill 1

shutdown

connect 'x'

disconnect

.open /tmp/x

\copy spans to 'x'

help

show tables like 'duckdb%'
