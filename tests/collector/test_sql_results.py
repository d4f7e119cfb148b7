"""Results lose nothing on their way out: every type in each form, under the caps."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quacktrace_collector.errors import QueryRefusedError, QueryTooLargeError
from quacktrace_collector.sql.engine import Engine, Result
from quacktrace_collector.sql.frames import ResultFormat
from quacktrace_collector.sql.snapshot_frame import snapshot_header
from quacktrace_collector.store import Store

from .conftest import SpanRow, SpanStore

Run = Callable[..., Result]


@pytest.fixture
def run(span_store: SpanStore) -> Run:
    return runner(span_store.store)


@pytest.fixture(scope="module")
def run_empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One engine without any span, for statements that need none."""
    store = Store(tmp_path_factory.mktemp("empty"))
    yield runner(store)
    store.close()


def runner(store: Store) -> Run:
    engine = Engine(store.sealed_dir, memory_limit_bytes=256 << 20, threads=1)

    def result(
        sql: str, form: ResultFormat = ResultFormat.JSON, *, limit: int = 1_000, max_bytes: int = 1 << 24
    ) -> Result:
        with store.snapshot() as snapshot:
            engine.refresh(json.loads(json.dumps(snapshot_header(snapshot))))
            return engine.run(sql, form=form, limit=limit, max_bytes=max_bytes)

    return result


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("timestamp_ns '2026-11-22 23:24:02.123456789'", "TIMESTAMP_NS", "2026-11-22T23:24:02.123456789Z"),
        ("timestamp '1969-12-31 23:59:59.5'", "TIMESTAMP", "1969-12-31T23:59:59.500000000Z"),
        ("timestamp 'infinity'", "TIMESTAMP", "infinity"),
        ("timestamptz '2026-01-01 00:00:00+02'", "TIMESTAMP WITH TIME ZONE", "2025-12-31T22:00:00.000000000Z"),
        ("date '2026-01-01'", "DATE", "2026-01-01"),
        ("time '10:00:00'", "TIME", "10:00:00"),
        ("interval '1 month 2 days'", "INTERVAL", "1 month 2 days"),
        ("9007199254740992", "BIGINT", 9007199254740992),
        ("9007199254740993", "BIGINT", "9007199254740993"),
        ("18446744073709551615::ubigint", "UBIGINT", "18446744073709551615"),
        ("170141183460469231731687303715884105727::hugeint", "HUGEINT", "170141183460469231731687303715884105727"),
        ("340282366920938463463374607431768211455::uhugeint", "UHUGEINT", "340282366920938463463374607431768211455"),
        ("sum(7::bigint)", "HUGEINT", 7),
        ("1.50::decimal(10, 2)", "DECIMAL(10,2)", 1.5),
        ("0.5::double", "DOUBLE", 0.5),
        ("'nan'::double", "DOUBLE", "NaN"),
        ("'-inf'::float", "FLOAT", "-Infinity"),
        ("true", "BOOLEAN", True),
        ("'\\xFF\\x41'::blob", "BLOB", "\\xFFA"),
        ("'101'::bit", "BIT", "101"),
        ("'b'::enum('a', 'b')", "ENUM('a', 'b')", "b"),
        ("[1, null, 3]", "INTEGER[]", [1, None, 3]),
        ("array_value(1, 2)", "INTEGER[2]", [1, 2]),
        ("{'a': 1, 'b': [date '2026-01-01']}", "STRUCT(a INTEGER, b DATE[])", {"a": 1, "b": ["2026-01-01"]}),
        ("map {'k': 'v'}", "MAP(VARCHAR, VARCHAR)", {"k": "v"}),
        ("map {1: 'v'}", "MAP(INTEGER, VARCHAR)", [[1, "v"]]),
        ("null::map(varchar, varchar)", "MAP(VARCHAR, VARCHAR)", None),
        ("'{}'::json", "JSON", "{}"),
    ],
)
def test_json_value_of_a_type(run_empty: Run, expression: str, kind: str, value: object) -> None:
    result = json.loads(run_empty(f"select {expression} as x").body)
    assert result["columns"] == [{"name": "x", "type": kind}]
    assert result["rows"] == [[value]]


def test_maps_and_lists_keep_to_their_rows(run_empty: Run) -> None:
    result = json.loads(
        run_empty("select map_from_entries([(i::varchar, i)]) m, range(i) l from range(5) t(i) where i % 2 = 1").body
    )
    assert result["rows"] == [[{"1": 1}, [0]], [{"3": 3}, [0, 1, 2]]]


def test_events_of_a_span_are_objects(run: Run, span_store: SpanStore) -> None:
    span_store.add(SpanRow(1, 1, events=[("exception", 5, {"exception.type": "E"})]))
    ((events,),) = json.loads(run("select events from spans").body)["rows"]
    assert events[0]["time"] == "2026-11-22T23:00:00.005000000Z"
    assert events[0]["attributes"] == {"exception.type": "E"}


def test_limit_is_a_flag_and_not_an_error(run_empty: Run) -> None:
    for count, truncated in ((9, False), (10, False), (11, True), (10_000_000, True)):
        result = json.loads(run_empty(f"select i from range({count}) t(i)", limit=10).body)
        assert (result["row_count"], result["truncated"], len(result["rows"])) == (
            min(count, 10),
            truncated,
            min(count, 10),
        )


def test_result_past_the_byte_cap_is_too_large(run_empty: Run) -> None:
    for form in ResultFormat:
        with pytest.raises(QueryTooLargeError, match="larger than 1 MiB"):
            run_empty(
                "select md5(i::varchar) || md5((i + 1)::varchar) from range(100000) t(i)",
                form,
                limit=10**6,
                max_bytes=1 << 20,
            )


def test_csv_gives_spreadsheets_no_formula(run_empty: Run) -> None:
    texts = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "plain", 'a "quoted", cell']
    values = ", ".join("('" + text + "', -1)" for text in texts)
    body = run_empty(f'select t as "=name", n from (values {values}) v(t, n)', ResultFormat.CSV).body
    header, *rows = list(csv.reader(io.StringIO(body.decode(), newline="")))
    assert header == ["'=name", "n"]
    assert [row[0] for row in rows] == ["'" + text if text[0] in "=+-@\t\r" else text for text in texts]
    assert {row[1] for row in rows} == {"-1"}


def test_arrow_and_parquet_hold_the_same_rows(run: Run, span_store: SpanStore) -> None:
    span_store.add(*(SpanRow(1, index, attributes={"n": index}) for index in range(1, 50)))
    sql = "select span_id, start_time, attributes, 1 as x, 2 as x, interval 1 day as i from spans order by span_id"
    with pa.ipc.open_stream(run(sql, ResultFormat.ARROW).body) as reader:
        from_arrow: Any = reader.read_all()
    from_parquet = pq.read_table(pa.BufferReader(run(sql, ResultFormat.PARQUET).body))
    assert from_arrow.column_names == ["span_id", "start_time", "attributes", "x", "x", "i"]
    assert from_parquet.column_names == ["span_id", "start_time", "attributes", "x", "x_1", "i"]
    assert from_arrow.schema.field("start_time").type == pa.timestamp("ns")
    assert [column.to_pylist() for column in from_arrow.columns[2:]] == [
        column.to_pylist() for column in from_parquet.columns[2:]
    ]
    assert len(from_arrow) == 49


def test_empty_result_has_its_columns_in_every_form(run_empty: Run) -> None:
    sql = "select name, start_time from spans"
    assert json.loads(run_empty(sql).body)["rows"] == []
    assert run_empty(sql, ResultFormat.CSV).body == b"name,start_time\r\n"
    assert pq.read_table(pa.BufferReader(run_empty(sql, ResultFormat.PARQUET).body)).column_names == [
        "name",
        "start_time",
    ]
    with pa.ipc.open_stream(run_empty(sql, ResultFormat.ARROW).body) as reader:
        assert reader.schema.names == ["name", "start_time"]


def test_explain_does_not_tell_where_files_lie(run: Run, span_store: SpanStore, sealed: Callable[[], None]) -> None:
    span_store.add(SpanRow(1, 1))
    sealed()
    text = run("explain analyze select name from spans").body.decode()
    assert "spans.parquet" in text
    assert str(span_store.store.data_dir) not in text


@pytest.mark.parametrize(
    ("sql", "pointed_at"),
    [
        ("select 'é', nam from spans", "nam from"),
        ("select *\nfrom spans\nwhere nam = 1", "nam = 1"),
        ("explain select nam from spans", "nam from"),
    ],
)
def test_engines_error_points_at_the_character(run_empty: Run, sql: str, pointed_at: str) -> None:
    with pytest.raises(QueryRefusedError) as refused:
        run_empty(sql)
    assert refused.value.position is not None
    assert sql[refused.value.position :].startswith(pointed_at)


def test_time_zone_mistake_gets_a_hint(run_empty: Run) -> None:
    with pytest.raises(QueryRefusedError) as refused:
        run_empty("select count(*) from spans where start_time > timestamptz '2026-01-01'")
    assert "::timestamp" in refused.value.hint


def test_pivot_makes_columns_of_the_values_that_are_there(run: Run, span_store: SpanStore) -> None:
    span_store.add(SpanRow(1, 1, kind="SERVER"), SpanRow(1, 2, kind="CLIENT"), SpanRow(1, 3, kind="CLIENT"))
    for sql in (
        "pivot spans on kind using count(*) group by service_name",
        "with s as (from spans) pivot s on kind using count(*) group by service_name;",
    ):
        result = json.loads(run(sql).body)
        assert [column["name"] for column in result["columns"]] == ["service_name", "CLIENT", "SERVER"]
        assert result["rows"] == [["shop", 2, 1]]


def test_pivot_over_too_many_values_says_what_to_do(run: Run, span_store: SpanStore) -> None:
    span_store.add(*(SpanRow(1, index, name=f"it's {index}") for index in range(1, 202)))
    with pytest.raises(QueryRefusedError, match="more than 200"):
        run("pivot spans on name using count(*)")
    assert len(json.loads(run("pivot (from spans limit 3) on name using count(*) group by kind").body)["columns"]) == 4


def test_show_tables_lists_the_public_ones(run_empty: Run) -> None:
    names = [row[0] for row in json.loads(run_empty("show tables").body)["rows"]]
    assert "spans" in names
    assert not [name for name in names if name.startswith("_")]


def test_type_without_a_form_in_json_is_text_whatever_the_statement_looks_like(run_empty: Run) -> None:
    for sql in (
        "select interval 1 day as x, /* /* ' */ ; */ E'\\' -- ' as y;",
        "with x as (select interval 1 day x) from x -- ;",
        "select interval 1 day /* ; */ ; ; -- end",
        "values (interval 1 day)",
        "from (select interval 1 day) ;\n",
    ):
        assert json.loads(run_empty(sql).body)["rows"][0][0] == "1 day", sql
