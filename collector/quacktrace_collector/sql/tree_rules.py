"""The rules over a parsed statement: which nodes, tables and functions it may have. What is not listed is refused."""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final

from quacktrace_collector.errors import QueryRefusedError
from quacktrace_collector.sql.engine_errors import character_position

__all__ = ["TreeRules", "allowed_functions"]

_QUERY_NODES: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_TABLE_REFS: Final = frozenset(
    {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT", "SHOW_REF"}
)
_MODIFIERS: Final = frozenset({"ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"})
_ORDERS: Final = frozenset({"ORDER_DEFAULT", "ASCENDING", "DESCENDING", "INVALID"})
_EXPRESSIONS: Final = frozenset(
    {
        "BETWEEN",
        "CASE",
        "CAST",
        "COLLATE",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "LAMBDA",
        "LAMBDA_REF",
        "OPERATOR",
        "POSITIONAL_REFERENCE",
        "STAR",
        "SUBQUERY",
        "TYPE",
        "WINDOW",
    }
)
_TABLE_FUNCTIONS: Final = frozenset(
    {"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"}
)
_WINDOW_FUNCTIONS: Final = frozenset(
    {
        "cume_dist",
        "dense_rank",
        "fill",
        "first",
        "first_value",
        "lag",
        "last",
        "last_value",
        "lead",
        "nth_value",
        "ntile",
        "percent_rank",
        "rank",
        "rank_dense",
        "row_number",
    }
)
# Aggregates named by a string: list_aggregate(list, 'sum').
_BY_NAME: Final = frozenset({"list_aggregate", "list_aggr", "array_aggregate", "array_aggr", "aggregate"})
# The engine takes these for functions where no column has the name.
_SESSION_NAMES: Final = frozenset({"current_catalog", "current_role", "current_schema", "current_user", "session_user"})
_SEES_OWN_NAME: Final = {"RECURSIVE_CTE_NODE": "right", "CTE_NODE": "child"}
_TO_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_NO_LOCATION: Final = 2**64 - 1


@cache
def allowed_functions() -> frozenset[str]:
    """The reviewed names, operators included, in lower case."""
    text = Path(__file__).with_name("allowed_functions.txt").read_text("utf-8")
    return frozenset(name for line in text.splitlines() if not line.startswith("#") for name in line.split())


class TreeRules:
    """Lets a tree of `json_serialize_sql` read `tables` and call `functions`, `table_functions` or what was reviewed.

    Of the reviewed functions only those in `known` count, so that a misspelt name gets a suggestion that exists.
    """

    def __init__(
        self,
        tables: Collection[str],
        *,
        known: Collection[str],
        functions: Collection[str],
        table_functions: Collection[str],
    ) -> None:
        self._tables = frozenset(tables)
        self._table_functions = _TABLE_FUNCTIONS | frozenset(table_functions)
        reviewed = allowed_functions() & {_folded(name) for name in known}
        self._functions = reviewed | frozenset(functions) | _WINDOW_FUNCTIONS | {"unnest"}

    def check(self, tree: dict[str, Any], sql: str) -> None:
        """Raise QueryRefusedError at the first node that is not allowed; iterative, because trees can be deep."""
        stack: list[tuple[Any, frozenset[str], int | None]] = [(tree, frozenset(), None)]
        while stack:
            node, ctes, position = stack.pop()
            if isinstance(node, list):
                stack += ((item, ctes, position) for item in node)
            if not isinstance(node, dict):
                continue
            position = _position(node, sql) if _has_position(node) else position
            self._check_node(node, ctes, position)
            for key, value in node.items():
                if key != "cte_map":
                    stack.append((value, ctes | _visible_ctes(node, key), position))
            stack += ((query, ctes | visible, position) for query, visible in _cte_queries(node))

    def _check_node(self, node: dict[str, Any], ctes: frozenset[str], position: int | None) -> None:
        kind = node.get("type")
        if "class" in node:
            self._check_expression(node, position)
        elif not isinstance(kind, str) or kind.endswith("_TYPE_INFO"):
            return
        elif kind == "BASE_TABLE":
            self._check_table(node, ctes, position)
        elif kind == "TABLE_FUNCTION":
            self._check_table_function(node, position)
        elif kind == "SHOW_REF":
            self._check_show(node, ctes, position)
        elif kind not in _QUERY_NODES | _TABLE_REFS | _MODIFIERS | _ORDERS:
            raise QueryRefusedError(
                f"{_readable(kind)} is not allowed here.", hint="Queries read only.", position=position
            )

    def _check_expression(self, node: dict[str, Any], position: int | None) -> None:
        kind = str(node["class"])
        if kind == "PARAMETER":
            raise QueryRefusedError(
                "Parameters such as ? or $1 have no value here.", hint="Write the value itself.", position=position
            )
        if kind not in _EXPRESSIONS:
            raise QueryRefusedError(f"{_readable(kind)} is not allowed here.", position=position)
        if kind in ("FUNCTION", "WINDOW"):
            self._check_function(node, position)
        elif kind == "COLUMN_REF" and {*map(_folded, node.get("column_names") or ())} & _SESSION_NAMES:
            raise QueryRefusedError("Queries see nothing of the session.", position=position)
        elif kind == "TYPE" and (node.get("catalog") or node.get("schema")):
            raise QueryRefusedError("Types have no schema here.", position=position)

    def _check_function(self, node: dict[str, Any], position: int | None) -> None:
        name = _folded(node.get("function_name", ""))
        if node.get("catalog") or node.get("schema") not in (None, "", "main"):
            raise QueryRefusedError(
                f"Function {_shorten(name)} is called with a schema.",
                hint="Call it by its name alone.",
                position=position,
            )
        if name in self._table_functions and node.get("_is_table_function"):
            return
        if name not in self._functions:
            raise QueryRefusedError(
                f"Function {_shorten(name)} is not allowed or does not exist.",
                hint=_did_you_mean(name, self._functions)
                or "GET /api/v1/schema lists the macros; docs/sql.md the rules.",
                position=position,
            )
        if name in _BY_NAME:
            self._check_aggregate_name(node, position)

    def _check_aggregate_name(self, node: dict[str, Any], position: int | None) -> None:
        arguments = node.get("children") or [entry.get("expression") for entry in node.get("arguments") or ()]
        if len(arguments) < 2 or not isinstance(arguments[1], dict):
            return
        argument = arguments[1]
        literal = argument.get("literal") or argument.get("value") or {}
        name = literal.get("text", literal.get("value")) if isinstance(literal, dict) else None
        if not isinstance(name, str) or _folded(name) not in self._functions:
            raise QueryRefusedError(
                "The name of the aggregate must be written out and be an allowed function.",
                hint="For instance list_aggregate(durations, 'sum').",
                position=position,
            )

    def _check_table_function(self, node: dict[str, Any], position: int | None) -> None:
        function = node.get("function")
        if not isinstance(function, dict) or function.get("class") != "FUNCTION":
            raise QueryRefusedError("This table function is not allowed.", position=position)
        name = _folded(function.get("function_name", ""))
        if name not in self._table_functions:
            raise QueryRefusedError(
                f"Table function {_shorten(name)} is not allowed.",
                hint=_did_you_mean(name, self._table_functions) or self._table_hint(),
                position=position,
            )
        function["_is_table_function"] = True

    def _check_table(self, node: dict[str, Any], ctes: frozenset[str], position: int | None) -> None:
        name = _folded(node.get("table_name", ""))
        path = (node.get("qualified_name") or {}).get("path") or [node.get("table_name", "")]
        schema = _folded(node.get("schema_name") or "")
        if node.get("catalog_name") or schema not in ("", "main") or len(path) > 2 or _folded(path[-1]) != name:
            raise QueryRefusedError(
                f"Table {_shorten('.'.join(map(str, path)) if len(path) > 1 else f'{schema}.{name}')} is not allowed.",
                hint=self._table_hint(),
                position=position,
            )
        if node.get("at_clause"):
            raise QueryRefusedError("Tables have no versions here.", hint="Leave out AT (…).", position=position)
        if name not in self._tables and (schema or name not in ctes):
            raise QueryRefusedError(
                f"Table {_shorten(name)} does not exist.",
                hint=_did_you_mean(name, self._tables | ctes) or self._table_hint(),
                position=position,
            )

    def _check_show(self, node: dict[str, Any], ctes: frozenset[str], position: int | None) -> None:
        if node.get("query") is not None and not node.get("table_name"):
            return
        if node.get("show_type") not in ("DESCRIBE", "SUMMARY", "SHOW"):
            raise QueryRefusedError(
                "Only SHOW TABLES, DESCRIBE and SUMMARIZE are allowed.", hint=self._table_hint(), position=position
            )
        self._check_table(node, ctes, position)

    def _table_hint(self) -> str:
        return "Tables: " + ", ".join(sorted(self._tables)) + "."


def _folded(name: object) -> str:
    """The name as the engine compares it: only ASCII letters lose their case.

    Python also makes the Kelvin sign a k, by which a CTE would stand in for a table of the catalog.
    """
    return str(name).translate(_TO_LOWER)


def _ctes(node: dict[str, Any]) -> list[dict[str, Any]]:
    entries = (node.get("cte_map") or {}).get("map") if isinstance(node.get("cte_map"), dict) else None
    return [entry for entry in entries or () if isinstance(entry, dict)]


def _visible_ctes(node: dict[str, Any], key: str) -> frozenset[str]:
    """The names that the part `key` of the node may read.

    The first part of a recursive CTE does not see the CTE: there its name would be the catalog's.
    """
    names = {_folded(entry["key"]) for entry in _ctes(node)}
    if key == _SEES_OWN_NAME.get(str(node.get("type"))):
        names.add(_folded(node.get("cte_name", "")))
    return frozenset(names)


def _cte_queries(node: dict[str, Any]) -> Iterator[tuple[Any, frozenset[str]]]:
    """Each CTE with the names it may read: those before it. Its own name is its RECURSIVE_CTE_NODE's to add.

    A CTE that reads its own name without being recursive reads the catalog, so `with duckdb_settings as (from
    duckdb_settings)` must not make that name a CTE inside itself.
    """
    before: set[str] = set()
    for entry in _ctes(node):
        yield entry.get("value"), frozenset(before)
        before.add(_folded(entry["key"]))


def _has_position(node: dict[str, Any]) -> bool:
    location = node.get("query_location")
    return isinstance(location, int) and location != _NO_LOCATION


def _position(node: dict[str, Any], sql: str) -> int:
    return character_position(sql, node["query_location"])


def _readable(kind: str) -> str:
    return re.sub(r"_(NODE|REF)$", "", kind).replace("_", " ")


def _shorten(name: str) -> str:
    return f'"{name[:60]}…"' if len(name) > 60 else f'"{name}"'


def _did_you_mean(name: str, known: Collection[str]) -> str:
    matches = get_close_matches(name, sorted(known), n=1, cutoff=0.7)
    return f'Did you mean "{matches[0]}"?' if matches else ""
