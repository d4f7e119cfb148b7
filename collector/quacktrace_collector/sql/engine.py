"""The worker's DuckDB: locked down, with the views and macros that users query, over one snapshot at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from quacktrace_collector.errors import QueryRefusedError
from quacktrace_collector.feed_reader import RecordBatches
from quacktrace_collector.sql.catalogue import TABLES
from quacktrace_collector.sql.encode import Column, Emit, Encoded, encode
from quacktrace_collector.sql.engine_errors import translate
from quacktrace_collector.sql.feeds import Feeds
from quacktrace_collector.sql.frames import ResultFormat
from quacktrace_collector.sql.gate import Gate
from quacktrace_collector.sql.library import Macro, View, macro_sql, view_sql
from quacktrace_collector.sql.macro_catalogue import SCALAR_MACROS, TABLE_MACROS
from quacktrace_collector.sql.statement_answer import answer

__all__ = ["Engine", "Result"]

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
    encoded: Encoded
    elapsed_ms: float

    @property
    def body(self) -> bytes:
        """What was not handed on in parts."""
        return self.encoded.body


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

    def run(
        self,
        sql: str,
        *,
        form: ResultFormat,
        limit: int,
        max_bytes: int,
        part_bytes: int | None = None,
        emit: Emit | None = None,
    ) -> Result:
        """Check and run one statement; raises what `engine_errors.translate` understands."""
        started = time.perf_counter()
        statement = self._gate.check(sql)
        self._connection.execute("begin transaction read only")
        try:
            rows = answer(self._connection, self._gate, statement, form=form, hidden_path=f"{self._sealed_dir}/")
            try:
                encoded = encode(
                    rows.reader,
                    rows.columns,
                    form=form,
                    limit=limit,
                    max_bytes=max_bytes,
                    part_bytes=part_bytes,
                    emit=emit,
                    started=started,
                )
            except duckdb.Error as error:
                refusal = translate(error, sql)
                if isinstance(refusal, QueryRefusedError) and not rows.has_positions:
                    refusal.position = None
                raise refusal from error
            finally:
                # 2.0 begins nothing new while a result is open, and a half-read one is.
                rows.reader.close()
        finally:
            self._connection.execute("rollback")
        return Result(rows.columns, encoded, (time.perf_counter() - started) * 1_000)

    def column_types(self) -> dict[str, dict[str, str]]:
        """The type of every column of the public tables."""
        types: dict[str, dict[str, str]] = {}
        for table in TABLES:
            relation = self._connection.sql(f"from {table}")
            types[table] = dict(zip(relation.columns, map(str, relation.types), strict=True))
        return types

    def _create_library(self) -> None:
        for view in View:
            self._connection.execute(f"create view {view} as\n{view_sql(view)}")
        self._connection.execute("create view segments as from _segments")
        for macro in Macro:
            self._connection.execute(macro_sql(macro))


def _segment_rows(segments: Sequence[Any]) -> RecordBatches:
    values = list(zip(*segments, strict=True)) or [()] * len(_SEGMENTS)
    arrays = [pa.array(column, type=field.type) for column, field in zip(values, _SEGMENTS, strict=True)]
    return RecordBatches(pa.table(arrays, schema=_SEGMENTS))


def _table_rows() -> RecordBatches:
    schema = pa.schema([("name", pa.string()), ("description", pa.string())])
    rows = [pa.array(TABLES), pa.array([table.description for table in TABLES.values()])]
    return RecordBatches(pa.table(rows, schema=schema))


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
