"""Runs an accepted statement on a connection and gives its rows as Arrow batches, lazily."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from quacktrace_collector.errors import QueryRefusedError
from quacktrace_collector.sql.dynamic_pivot import MAX_PIVOT_VALUES, DynamicPivot
from quacktrace_collector.sql.encode import Column
from quacktrace_collector.sql.engine_errors import refused_by_engine
from quacktrace_collector.sql.frames import ResultFormat
from quacktrace_collector.sql.gate import Gate, Statement, StatementKind
from quacktrace_collector.sql.lexer import without_terminator

__all__ = ["Answer", "answer"]

_BATCH_ROWS: Final = 1_024
# Types whose Arrow form loses something or does not exist; users get DuckDB's own text for them.
_AS_TEXT: Final = re.compile(r"\b(UHUGEINT|BIGNUM|BIT|VARIANT|UNION|GEOMETRY|INTERVAL|TIME WITH TIME ZONE)\b")
_EXPLAIN: Final = "explain "


@dataclass(frozen=True, slots=True)
class Answer:
    """A statement's columns, with the types they have in SQL, and its rows."""

    columns: tuple[Column, ...]
    reader: pa.RecordBatchReader
    has_positions: bool = False
    """True if errors while reading point into the statement as it was written."""


def answer(
    connection: duckdb.DuckDBPyConnection, gate: Gate, statement: Statement, *, form: ResultFormat, hidden_path: str
) -> Answer:
    """The answer of a statement that the gate accepted; `hidden_path` is taken out of what EXPLAIN shows."""
    match statement.kind:
        case StatementKind.SHOW_TABLES:
            return _rows(connection.sql("from _tables"))
        case StatementKind.EXPLAIN:
            return _explain(_bind(connection, statement.sql, is_verbatim=True), hidden_path)
        case StatementKind.PIVOT if statement.pivot is not None:
            pivot = statement.pivot
            values = {item: _pivot_values(connection, pivot, item) for item in pivot.dynamic}
            return _query(connection, gate, gate.check_composed(pivot.with_values(values)), form, is_verbatim=False)
        case _:
            return _query(connection, gate, statement.sql, form, is_verbatim=True)


def _query(
    connection: duckdb.DuckDBPyConnection, gate: Gate, sql: str, form: ResultFormat, *, is_verbatim: bool
) -> Answer:
    relation = _bind(connection, sql, is_verbatim=is_verbatim)
    columns = _columns(relation)
    blobs_as_text = form in (ResultFormat.JSON, ResultFormat.CSV)
    as_text = [bool(_AS_TEXT.search(column.type)) or (blobs_as_text and column.type == "BLOB") for column in columns]
    if any(as_text):
        composed = _cast_to_text(sql, [column.name for column in columns], as_text)
        relation = connection.sql(gate.check_composed(composed))
    # 1.5 runs a relation as a text of its own making.
    has_positions = is_verbatim and not any(as_text) and not duckdb.__version__.startswith("1.")
    return Answer(columns, _reader(relation), has_positions)


def _rows(relation: duckdb.DuckDBPyRelation) -> Answer:
    return Answer(_columns(relation), _reader(relation))


def _explain(relation: duckdb.DuckDBPyRelation, hidden_path: str) -> Answer:
    """A scan names its files; where they lie is nobody's business."""
    rows = [[str(cell).replace(hidden_path, "") for cell in row] for row in relation.fetchall()]
    texts = [pa.array(list(cells), pa.string()) for cells in zip(*rows, strict=True)]
    return Answer(_columns(relation), pa.table(texts, names=list(relation.columns)).to_reader())


def _bind(connection: duckdb.DuckDBPyConnection, sql: str, *, is_verbatim: bool) -> duckdb.DuckDBPyRelation:
    try:
        return connection.sql(sql)
    except duckdb.BinderException as error:
        # A relation's error has no position; the same error of a statement has. An EXPLAIN is a statement already.
        if "position" in str(error):
            raise refused_by_engine(error, sql) from error
        try:
            connection.execute(_EXPLAIN + sql)
        except duckdb.BinderException as positioned:
            refusal = refused_by_engine(positioned, sql, prefix=_EXPLAIN)
            if not is_verbatim:
                refusal.position = None
            raise refusal from error
        raise


def _pivot_values(connection: duckdb.DuckDBPyConnection, pivot: DynamicPivot, item: int) -> list[object]:
    values = [value for (value,) in connection.sql(pivot.values_query(item)).fetchall()]
    if len(values) > MAX_PIVOT_VALUES:
        raise QueryRefusedError(
            f"{pivot.items[item]} has more than {MAX_PIVOT_VALUES} values to make columns of.",
            hint="Write the columns out: ON kind IN ('SERVER', 'CLIENT').",
        )
    # Without any value there is still a result: one column that counts nothing.
    return values or [None]


def _columns(relation: duckdb.DuckDBPyRelation) -> tuple[Column, ...]:
    # 2.0 quotes the name of the type of NULL.
    named = zip(relation.columns, relation.types, strict=True)
    return tuple(Column(name, str(kind).strip('"')) for name, kind in named)


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
