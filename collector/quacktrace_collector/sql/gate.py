"""Decides whether a statement may run, over its parsed tree: everything that is not known to be harmless is refused.

Runs inside the worker process only: parsing hostile text can hang or crash the parser. It is one layer of several; the
engine's own locks, the read-only transaction and the process's limits stand behind it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import duckdb

from quacktrace_collector.errors import QueryRefusedError
from quacktrace_collector.sql.dynamic_pivot import DynamicPivot, split_pivot
from quacktrace_collector.sql.engine_errors import character_position, refused_by_engine
from quacktrace_collector.sql.lexer import explain_prefix
from quacktrace_collector.sql.tree_rules import TreeRules

__all__ = ["MAX_QUERY_CHARACTERS", "Gate", "Statement", "StatementKind"]

MAX_QUERY_CHARACTERS: Final = 100_000

_DYNAMIC_PIVOT: Final = "MULTI"


class StatementKind(Enum):
    """How an accepted statement is run."""

    QUERY = "query"
    EXPLAIN = "explain"
    PIVOT = "pivot"
    SHOW_TABLES = "show_tables"


@dataclass(frozen=True, slots=True)
class Statement:
    """An accepted statement: the text that was checked is the text to run."""

    sql: str
    kind: StatementKind
    pivot: DynamicPivot | None = None
    """The parts of a PIVOT whose columns are not written out."""


class Gate:
    """Accepts one statement that reads `tables` and calls `functions`, `table_functions` or what was reviewed.

    `parser` only parses: nothing of a statement is bound or run by it.
    """

    def __init__(
        self,
        parser: duckdb.DuckDBPyConnection,
        tables: Collection[str],
        *,
        functions: Collection[str] = (),
        table_functions: Collection[str] = (),
    ) -> None:
        self._parser = parser
        rows = parser.execute("select distinct function_name from duckdb_functions()").fetchall()
        self._rules = TreeRules(
            tables, known=[str(name) for (name,) in rows], functions=functions, table_functions=table_functions
        )

    def check(self, sql: str) -> Statement:
        """The statement to run; raises QueryRefusedError that says what is not allowed, where, and what is."""
        if len(sql) > MAX_QUERY_CHARACTERS:
            raise QueryRefusedError(
                f"The query has {len(sql)} characters; at most {MAX_QUERY_CHARACTERS} are accepted.",
                hint="Put long lists of values into a subquery.",
            )
        return self._check(sql)

    def check_composed(self, sql: str) -> str:
        """`sql` again, which was made from an accepted statement: it must be a query still, whatever its length."""
        if self._check(sql).kind is not StatementKind.QUERY:
            raise QueryRefusedError("This statement cannot be given in this form.", hint="Write it as a SELECT.")
        return sql

    def _check(self, sql: str) -> Statement:
        if "\x00" in sql:
            raise QueryRefusedError("The query contains a NUL character.", position=sql.index("\x00"))
        kinds = _statement_types(self._extract(sql))
        if kinds == [_DYNAMIC_PIVOT]:
            pivot = split_pivot(sql)
            if pivot is None:
                raise QueryRefusedError(
                    "A PIVOT inside another statement needs its columns written out.",
                    hint="Write ON kind IN ('SERVER', 'CLIENT').",
                )
            return self._check_pivot(pivot)
        if len(kinds) != 1:
            raise QueryRefusedError(
                f"These are {len(kinds)} statements." if kinds else "There is no statement here.",
                hint="Send one SELECT statement.",
            )
        (kind,) = kinds
        if kind == "EXPLAIN":
            return self._check_explain(sql)
        if kind != "SELECT":
            raise QueryRefusedError(f"{kind} is not allowed.", hint="Queries read only: send one SELECT statement.")
        tree = self._tree(sql)
        if _shows_tables(tree):
            return Statement(sql, StatementKind.SHOW_TABLES)
        self._rules.check(tree, sql)
        return Statement(sql, StatementKind.QUERY)

    def _check_explain(self, sql: str) -> Statement:
        length = explain_prefix(sql)
        if length is None:
            raise QueryRefusedError(
                "This form of EXPLAIN is not allowed.", hint="Write EXPLAIN or EXPLAIN ANALYZE before a SELECT."
            )
        try:
            inner = self.check(sql[length:])
        except QueryRefusedError as error:
            if error.position is not None:
                error.position += length
            raise
        if inner.kind is not StatementKind.QUERY:
            raise QueryRefusedError("Only a SELECT can be explained.", position=length)
        return Statement(sql, StatementKind.EXPLAIN)

    def _check_pivot(self, pivot: DynamicPivot) -> Statement:
        """Check the statement as it will be run, but for the values, and the queries that find those."""
        probe = pivot.with_values(dict.fromkeys(pivot.dynamic, ("",)))
        queries = [probe, *(pivot.values_query(item) for item in pivot.dynamic)]
        if any(split_pivot(query) is not None for query in queries) or any(
            self.check(query).kind is not StatementKind.QUERY for query in queries
        ):
            raise QueryRefusedError(
                "This form of PIVOT is not allowed.", hint="Write the columns out: ON kind IN ('SERVER')."
            )
        return Statement(probe, StatementKind.PIVOT, pivot)

    def _extract(self, sql: str) -> list[Any]:
        try:
            return list(self._parser.extract_statements(sql))
        except duckdb.Error as error:
            refusal = refused_by_engine(error, sql)
            refusal.position = self._syntax_error_position(sql)
            raise refusal from error

    def _syntax_error_position(self, sql: str) -> int | None:
        """Where parsing failed; only this function says it in a form that is not made for a terminal."""
        row = self._parser.execute("select json_serialize_sql(?)", [sql]).fetchone()
        position = json.loads(row[0]).get("position") if row else None
        if position is None:
            return None
        # 1.5 counts characters here and bytes everywhere else; 2.0 always counts bytes.
        return int(position) if duckdb.__version__.startswith("1.") else character_position(sql, int(position))

    def _tree(self, sql: str) -> dict[str, Any]:
        try:
            row = self._parser.execute("select json_serialize_sql(?)", [sql]).fetchone()
            tree: dict[str, Any] = json.loads(row[0]) if row else {}
        except duckdb.Error as error:
            raise refused_by_engine(error, sql) from error
        except RecursionError as error:
            raise QueryRefusedError("The query is nested too deeply.", hint="Split it into CTEs.") from error
        if tree.get("error") or len(tree.get("statements", ())) != 1:
            raise QueryRefusedError(
                f"This statement cannot be checked: {tree.get('error_message', 'unknown form')}",
                hint="Send one SELECT statement.",
            )
        return tree


def _statement_types(statements: Sequence[Any]) -> list[str]:
    # 1.5 makes a CREATE TYPE without text and a SELECT of a PIVOT without IN, 2.0 one statement of several.
    if len(statements) > 1 and not statements[0].query:
        return [_DYNAMIC_PIVOT]
    return [_statement_type(statement) for statement in statements]


def _statement_type(statement: Any) -> str:
    # DuckDB 2.0 raises on the type of statements that its Python enum does not know (CONNECT, DISCONNECT).
    try:
        return str(statement.type.name)
    except Exception:  # whatever it is, it is not a SELECT
        return "This statement"


def _shows_tables(tree: dict[str, Any]) -> bool:
    node = tree["statements"][0]["node"]
    source = node.get("from_table") or {}
    return (
        node.get("type") == "SELECT_NODE"
        and source.get("type") == "SHOW_REF"
        and source.get("query") is None
        and source.get("table_name") in ('"tables"', "__show_tables_expanded")
        and source.get("show_type") in ("SHOW_SPECIAL", "SHOW_UNQUALIFIED")
    )
