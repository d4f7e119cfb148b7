"""The gate lets queries through and nothing else, and says where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from quacktrace_collector.errors import QueryRefusedError
from quacktrace_collector.sql.catalogue import TABLES
from quacktrace_collector.sql.gate import MAX_QUERY_CHARACTERS, Gate, StatementKind
from quacktrace_collector.sql.macro_catalogue import SCALAR_MACROS, TABLE_MACROS
from quacktrace_collector.sql.tree_rules import allowed_functions

CORPUS = Path(__file__).parent.parent / "sql"

# Functions of DuckDB 1.5 and 2.0 that were looked at and left out: they write, wait, show the session, the host or
# others' queries, run SQL text, take an aggregate's raw state, or only make sense inside the engine.
REFUSED = frozenset(
    """
    add_parquet_key bitstring_byte_comparable can_cast_implicitly cast_to_type col_description combine combine_aggr
    create_sort_key current_catalog current_connection_id current_database current_query current_query_id current_role
    current_schema current_schemas current_setting current_transaction_id current_user currval decimal_average
    decimal_division enum_range_boundary finalize format_pg_type format_type get_block_size get_type getenv getvariable
    hive_partition_component histogram_values icu_sort_key in_search_path index_key inet_client_addr inet_client_port
    inet_server_addr inet_server_port invoke is_histogram_other_bin json_copy_strftime_if_date
    json_copy_strftime_if_timestamp json_deserialize_sql json_serialize_plan json_serialize_sql make_type map_to_pg_oid
    nextval obj_description parse_duckdb_log_message remap_struct replace_type session_user setseed setval
    shobj_description sleep_ms stats switch timetz_byte_comparable to_aggregate_state txid_current user
    variant_bytes_to_variant variant_comparator variant_group_array variant_group_object variant_normalize
    variant_to_parquet_variant vector_type vertex_extract write_log
    """.split()  # noqa: SIM905 - a list of words is read more easily than a list of literals
)
REFUSED_PREFIXES = ("__", "collate_", "icu_collate_", "st_", "pg_", "has_", "duckdb_", "read_")


def statements(name: str) -> list[str]:
    """Statements are separated by empty lines; a first line that is a comment alone is a heading."""
    blocks = (CORPUS / name).read_text("utf-8").split("\n\n")
    found = []
    for block in blocks:
        lines = block.strip("\n").split("\n")
        while len(lines) > 1 and lines[0].startswith("-- "):
            del lines[0]
        found.append("\n".join(lines))
    return found


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate(duckdb.connect(), TABLES, functions=SCALAR_MACROS, table_functions=TABLE_MACROS)


def refusal(gate: Gate, sql: str) -> QueryRefusedError:
    with pytest.raises(QueryRefusedError) as refused:
        gate.check(sql)
    return refused.value


@pytest.mark.parametrize("sql", statements("accepted.sql"))
def test_query_is_accepted(gate: Gate, sql: str) -> None:
    assert gate.check(sql)


@pytest.mark.parametrize("sql", statements("refused.sql"))
def test_statement_is_refused(gate: Gate, sql: str) -> None:
    assert refusal(gate, sql).message


def test_hostile_statements_from_elsewhere_are_refused(gate: Gate, test_data: Path) -> None:
    cases = abuse(test_data, "hostile_sql.json")
    accepted = [case["id"] for case in cases if case["expected"] == "reject" and is_accepted(gate, case["sql"])]
    assert accepted == []


def test_good_statements_from_elsewhere_are_accepted(gate: Gate, test_data: Path) -> None:
    assert [sql for sql in abuse(test_data, "good_sql.json") if not is_accepted(gate, sql)] == []


def abuse(test_data: Path, name: str) -> list[Any]:
    path = test_data.parent / "abuse" / name
    if not path.is_file():
        pytest.skip("the folder of abuse lists is not beside QUACKTRACE_TEST_DATA")
    cases: list[Any] = json.loads(path.read_text("utf-8"))
    return cases


def is_accepted(gate: Gate, sql: str) -> bool:
    try:
        gate.check(sql)
    except QueryRefusedError:
        return False
    return True


@pytest.mark.parametrize(
    ("sql", "pointed_at"),
    [
        ("selec 1", "selec"),
        ("select 'é' fro m m", "m m"),
        ("select 'é', nope(1) from spans", "nope(1)"),
        ("select *\nfrom spans\njoin nope using (trace_id)", "nope using"),
        ("explain select getenv('x')", "getenv"),
        ("select 1 from read_text('x')", "read_text"),
    ],
)
def test_refusal_points_at_the_character(gate: Gate, sql: str, pointed_at: str) -> None:
    position = refusal(gate, sql).position
    assert position is not None
    assert sql[position:].startswith(pointed_at)


def test_unknown_names_get_a_suggestion(gate: Gate) -> None:
    assert refusal(gate, "from span").hint == 'Did you mean "spans"?'
    assert refusal(gate, "select quantile_con(1, 0.5)").hint == 'Did you mean "quantile_cont"?'
    assert "spans" in refusal(gate, "from customers").hint


def test_over_long_query_is_refused_before_it_is_parsed(gate: Gate) -> None:
    assert "characters" in refusal(gate, "select 1 --" + "x" * MAX_QUERY_CHARACTERS).message


def test_deep_nesting_ends_in_a_refusal_or_a_query(gate: Gate) -> None:
    for sql in ("select " + "(" * 5_000 + "1" + ")" * 5_000, "select 1" + " union all select 1" * 2_000):
        is_accepted(gate, sql)
    assert gate.check("select 1")


def test_list_of_tables_is_ours_and_not_the_engines(gate: Gate) -> None:
    assert gate.check("show tables").kind is StatementKind.SHOW_TABLES


def test_every_function_of_the_engine_was_reviewed() -> None:
    """A new engine brings new functions: they are refused until someone puts them on one of the two lists."""
    rows = (
        duckdb.connect()
        .execute(
            "select distinct function_name from duckdb_functions()"
            " where function_type in ('scalar', 'aggregate', 'macro')"
        )
        .fetchall()
    )
    names = {str(name).lower() for (name,) in rows}
    reviewed = allowed_functions() | REFUSED
    unreviewed = {name for name in names - reviewed if not name.startswith(REFUSED_PREFIXES)}
    assert unreviewed - {"is distinct from", "is not distinct from"} == set()


def test_no_allowed_function_has_side_effects() -> None:
    rows = duckdb.connect().execute("select function_name from duckdb_functions() where has_side_effects").fetchall()
    harmless = {"random", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "error"}
    assert {str(name) for (name,) in rows} & allowed_functions() <= harmless
