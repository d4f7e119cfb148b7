"""The worker's DuckDB: locked down, with the views and macros that users query, over one snapshot at a time."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson
import pyarrow as pa

from quacktrace_collector.errors import QueryRefusedError
from quacktrace_collector.sql.catalogue import SCALAR_MACROS, TABLE_MACROS, TABLES
from quacktrace_collector.sql.dynamic_pivot import MAX_PIVOT_VALUES, DynamicPivot
from quacktrace_collector.sql.encode import Column, Encoded, encode
from quacktrace_collector.sql.engine_errors import refused_by_engine
from quacktrace_collector.sql.feeds import Feeds, RecordBatches
from quacktrace_collector.sql.frames import ResultFormat
from quacktrace_collector.sql.gate import Gate, Statement, StatementKind
from quacktrace_collector.sql.lexer import without_terminator
from quacktrace_collector.sql.library import Macro, View, macro_sql, view_sql

__all__ = ["Engine", "Result"]

_BATCH_ROWS: Final = 1_024
# Types whose Arrow form loses something or does not exist; users get DuckDB's own text for them.
_AS_TEXT: Final = re.compile(r"\b(UHUGEINT|BIGNUM|BIT|VARIANT|UNION|GEOMETRY|INTERVAL|TIME WITH TIME ZONE)\b")

_SEGMENTS: Final = pa.schema(
    [
        ("segment_id", pa.int64()),
        ("span_count", pa.int64()),
        ("log_count", pa.int64()),
        ("size_bytes", pa.int64()),
        ("first_start_time", pa.timestamp("ns")),
        ("last_start_time", pa.timestamp("ns")),
        ("first_received_at", pa.timestamp("ns")),
        ("last_received_at", pa.timestamp("ns")),
    ]
)


@dataclass(frozen=True, slots=True)
class Result:
    """A statement's answer, encoded."""

    columns: tuple[Column, ...]
    form: ResultFormat
    encoded: Encoded
    elapsed_ms: float

    @property
    def body(self) -> bytes:
        """The whole body: JSON's rows are put into their envelope."""
        if self.form is not ResultFormat.JSON:
            return self.encoded.body
        columns = orjson.dumps([{"name": column.name, "type": column.type} for column in self.columns])
        rest = orjson.dumps(
            {
                "row_count": self.encoded.row_count,
                "truncated": self.encoded.truncated,
                "elapsed_ms": round(self.elapsed_ms, 3),
            }
        )
        return b'{"columns":%b,"rows":%b,%b' % (columns, self.encoded.body, rest[1:])


class Engine:
    """One connection; not for use by two threads."""

    def __init__(self, sealed_dir: Path, *, memory_limit_bytes: int, threads: int) -> None:
        self._sealed_dir = sealed_dir
        self._connection = duckdb.connect(config={"python_enable_replacements": False, "threads": threads})
        self._feeds = Feeds(self._connection)
        self._relations: dict[str, str] = {}
        self._segments: Sequence[Any] | None = None
        self._is_ready = False
        self._connection.register("_tables", _table_rows())
        _lock_down(self._connection, sealed_dir, memory_limit_bytes)
        self._gate = Gate(self._connection.cursor(), TABLES, functions=SCALAR_MACROS, table_functions=TABLE_MACROS)

    def refresh(self, snapshot: Mapping[str, Any]) -> None:
        """Show this snapshot from now on: `feeds`, `segments` and the SQL of the two `relations`."""
        self._feeds.refresh(snapshot["feeds"])
        if snapshot["segments"] != self._segments:
            self._segments = snapshot["segments"]
            self._connection.register("_segments", _segment_rows(self._segments))
        for kind, relation in snapshot["relations"].items():
            if self._relations.get(kind) != relation:
                self._connection.execute(f"create or replace view {kind} as {relation}")
                self._relations[kind] = relation
        if not self._is_ready:
            self._create_library()
            self._is_ready = True

    def run(self, sql: str, *, form: ResultFormat, limit: int, max_bytes: int) -> Result:
        """Check and run one statement; raises what `engine_errors.translate` understands."""
        started = time.perf_counter()
        statement = self._gate.check(sql)
        self._connection.execute("begin transaction read only")
        try:
            relation = self._relation(statement, sql, form)
            names_and_types = zip(relation.columns, relation.types, strict=True)
            columns = tuple(Column(name, str(kind).strip('"')) for name, kind in names_and_types)
            encoded = encode(_reader(relation), columns, form=form, limit=limit, max_bytes=max_bytes)
        finally:
            self._connection.execute("rollback")
        return Result(columns, form, encoded, (time.perf_counter() - started) * 1_000)

    def column_types(self) -> dict[str, dict[str, str]]:
        """The type of every column of the public tables."""
        types: dict[str, dict[str, str]] = {}
        for table in TABLES:
            relation = self._connection.sql(f"from {table}")
            types[table] = dict(zip(relation.columns, map(str, relation.types), strict=True))
        return types

    def _bind(self, sql: str, written: str) -> duckdb.DuckDBPyRelation:
        try:
            return self._connection.sql(sql)
        except duckdb.BinderException as error:
            # A relation's error has no position; the same error of a statement has.
            prefix = "explain "
            try:
                self._connection.execute(prefix + sql)
            except duckdb.BinderException as positioned:
                refusal = refused_by_engine(positioned, sql, prefix=prefix)
                if sql != written:
                    refusal.position = None
                raise refusal from error
            raise

    def _pivot_values(self, pivot: DynamicPivot, item: int) -> list[object]:
        values = [value for (value,) in self._connection.sql(pivot.values_query(item)).fetchall()]
        if len(values) > MAX_PIVOT_VALUES:
            raise QueryRefusedError(
                f"{pivot.items[item]} has more than {MAX_PIVOT_VALUES} values to make columns of.",
                hint="Write the columns out: ON kind IN ('SERVER', 'CLIENT').",
            )
        # Without any value there is still a result: one column that counts nothing.
        return values or [None]

    def _create_library(self) -> None:
        for view in View:
            self._connection.execute(f"create view {view} as\n{view_sql(view)}")
        self._connection.execute("create view segments as from _segments")
        for macro in Macro:
            self._connection.execute(macro_sql(macro))

    def _relation(self, statement: Statement, written: str, form: ResultFormat) -> duckdb.DuckDBPyRelation:
        if statement.kind is StatementKind.SHOW_TABLES:
            return self._connection.sql("from _tables")
        sql = statement.sql
        if statement.pivot is not None:
            sql = statement.pivot.with_values(
                {item: self._pivot_values(statement.pivot, item) for item in statement.pivot.dynamic}
            )
        relation = self._bind(sql, written)
        if statement.kind is StatementKind.EXPLAIN:
            return relation
        blobs_as_text = form in (ResultFormat.JSON, ResultFormat.CSV)
        as_text = [
            bool(_AS_TEXT.search(str(kind))) or (blobs_as_text and str(kind) == "BLOB") for kind in relation.types
        ]
        return self._connection.sql(_cast_to_text(sql, relation.columns, as_text)) if any(as_text) else relation


def _segment_rows(segments: Sequence[Any]) -> RecordBatches:
    values = list(zip(*segments, strict=True)) or [()] * len(_SEGMENTS)
    arrays = [pa.array(column, type=field.type) for column, field in zip(values, _SEGMENTS, strict=True)]
    return RecordBatches(_SEGMENTS, [pa.record_batch(arrays, schema=_SEGMENTS)])


def _table_rows() -> RecordBatches:
    schema = pa.schema([("name", pa.string()), ("description", pa.string())])
    rows = [pa.array(TABLES), pa.array([table.description for table in TABLES.values()])]
    return RecordBatches(schema, [pa.record_batch(rows, schema=schema)])


def _cast_to_text(sql: str, names: Sequence[str], as_text: Sequence[bool]) -> str:
    """`sql` with some columns as DuckDB's text for them; by position, because names may repeat."""
    outputs = [
        f"c{index}{'::varchar' if text else ''} as {_quote(name)}"
        for index, (name, text) in enumerate(zip(names, as_text, strict=True))
    ]
    inputs = ", ".join(f"c{index}" for index in range(len(names)))
    return f"select {', '.join(outputs)} from (\n{without_terminator(sql)}\n) as result({inputs})"


def _reader(relation: duckdb.DuckDBPyRelation) -> pa.RecordBatchReader:
    # 1.5 names it fetch_record_batch, 2.0 to_arrow_reader.
    read = getattr(relation, "to_arrow_reader", None) or relation.fetch_record_batch
    reader: pa.RecordBatchReader = read(_BATCH_ROWS)
    return reader


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _lock_down(connection: duckdb.DuckDBPyConnection, sealed_dir: Path, memory_limit_bytes: int) -> None:
    for statement in (
        "set TimeZone = 'UTC'",
        f"set memory_limit = '{memory_limit_bytes // 2**20}MiB'",
        "set temp_directory = ''",
        "set max_temp_directory_size = '0KiB'",
        "set autoinstall_known_extensions = false",
        "set autoload_known_extensions = false",
        "set allow_community_extensions = false",
        "set max_expression_depth = 250",
        "set errors_as_json = true",
        # 2.0 refuses `x -> x + 1`, which is what most published examples write.
        "set lambda_syntax = 'ENABLE_SINGLE_ARROW'",
        # Footers of immutable files are worth keeping; their data is in the page cache already.
        "set parquet_metadata_cache = true",
        "set enable_external_file_cache = false",
        f"set allowed_directories = [{_literal(str(sealed_dir))}]",
        "set enable_external_access = false",
        "set lock_configuration = true",
    ):
        connection.execute(statement)
