"""Translates DuckDB's errors, which the worker asks for as JSON: message, position, and a hint where one is known."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import duckdb

from quacktrace_collector.errors import QuacktraceError, QueryRefusedError, QueryTooLargeError

__all__ = ["character_position", "may_be_damage", "refused_by_engine", "translate"]

_MAX_MESSAGE: Final = 2_000
_MEMORY: Final = re.compile(
    r"out of memory|bad_alloc|cannot allocate|could not allocate|failed to allocate|max_temp_directory", re.IGNORECASE
)
_DAMAGE: Final = re.compile(
    r"parquet|failed to read file|no magic bytes|corrupt|perfect hash|could not read", re.IGNORECASE
)
_HINTS: Final = (
    (
        re.compile(r"TIMESTAMP WITH TIME ZONE|TIMESTAMPTZ"),
        "Times are UTC without a time zone: compare with now(), timestamp '2026-01-31 12:00', or cast ::timestamp.",
    ),
    (re.compile(r"expression depth", re.IGNORECASE), "Write long chains of OR as IN (…), and split nesting into CTEs."),
)


def refused_by_engine(error: duckdb.Error, sql: str, *, prefix: str = "") -> QueryRefusedError:
    """The engine's own message and the character it points at; `prefix` stood before `sql` when the engine read it."""
    described = _described(error)
    message, *rest = described["exception_message"].strip().split("\n")
    hint = next((hint for pattern, hint in _HINTS if pattern.search(message)), " ".join(rest).strip())
    position: int | None = None
    if "position" in described:
        position = character_position(prefix + sql, int(described["position"])) - len(prefix)
    return QueryRefusedError(
        _without_advice(message)[:_MAX_MESSAGE],
        hint=hint[:_MAX_MESSAGE],
        position=position if position is not None and 0 <= position <= len(sql) else None,
    )


def translate(error: BaseException, sql: str) -> QuacktraceError:
    """Memory becomes QueryTooLargeError, everything else that a query can raise QueryRefusedError."""
    if isinstance(error, QuacktraceError):
        return error
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException) or _MEMORY.search(str(error)):
        return QueryTooLargeError(
            "The query needs more memory than a query may have.",
            hint="Select fewer columns, filter by start_time, or aggregate before sorting.",
        )
    if isinstance(error, duckdb.Error):
        return refused_by_engine(error, sql)
    return QueryRefusedError(f"The result cannot be given out: {error}"[:_MAX_MESSAGE])


def may_be_damage(error: BaseException) -> bool:
    """True if a damaged file could be what raised this (found with 300 of them), so that the files are worth a look."""
    cause = error if isinstance(error, duckdb.Error) else error.__cause__
    if not isinstance(cause, duckdb.Error):
        return False
    return (
        type(cause) is duckdb.Error
        or isinstance(cause, duckdb.IOException | duckdb.InternalException | duckdb.FatalException)
        or _DAMAGE.search(str(cause)) is not None
    )


def character_position(sql: str, byte_position: int) -> int:
    """The engine counts bytes, people count characters."""
    return len(sql.encode("utf-8", "surrogatepass")[:byte_position].decode("utf-8", "ignore"))


def _described(error: duckdb.Error) -> dict[str, Any]:
    """The object of `errors_as_json`; Python's class name stands before it."""
    text = str(error)
    try:
        described: dict[str, Any] = json.loads(text[text.index("{") :])
        described["exception_message"] = str(described["exception_message"])
    except (ValueError, KeyError, TypeError):
        message = re.sub(r"^\w[\w ]* Error: ", "", text)
        return {"exception_message": message.split("\n\nLINE ")[0]}
    return described


def _without_advice(message: str) -> str:
    """The engine advises settings that are locked here."""
    return re.sub(r"\s*(Please )?[Uu]se \"?SET [^.]*\.|\s*Use SET .*", "", message).strip()
