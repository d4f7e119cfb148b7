"""Translates DuckDB's errors for whoever wrote the query: message, position, and a hint where one is known."""

from __future__ import annotations

import re

import duckdb

from quacktrace_collector.errors import QuacktraceError, QueryRefusedError, QueryTooLargeError

__all__ = ["refused_by_engine", "translate"]

_EXCERPT = re.compile(r"\n\s*\nLINE (\d+): (.*)\n(\s*)\^", re.DOTALL)
_MEMORY = re.compile(
    r"out of memory|bad_alloc|cannot allocate|could not allocate|failed to allocate|max_temp_directory", re.I
)
_HINTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"TIMESTAMP WITH TIME ZONE"),
        "Times are UTC without a time zone: compare with now(), timestamp '2026-01-31 12:00' or cast with ::timestamp.",
    ),
    (re.compile(r"Cannot extract field .* from expression", re.I), "Attributes are maps: attributes['http.route']."),
)


def refused_by_engine(error: duckdb.Error, sql: str) -> QueryRefusedError:
    """The engine's own message, without its class and excerpt, and the position it points at."""
    text = str(error)
    message = _EXCERPT.split(text)[0].strip()
    message, _, suggestion = message.partition("\nDid you mean")
    # The engine suggests tables of its own that a query may not read.
    hint = next((hint for pattern, hint in _HINTS if pattern.search(text)), "")
    if not hint and suggestion and "pg_" not in suggestion and "duckdb_" not in suggestion:
        hint = "Did you mean" + suggestion.rstrip()
    message = re.sub(r"^\w[\w ]* Error: ", "", " ".join(message.split()))
    return QueryRefusedError(message[:2_000], hint=hint[:500], position=_position(text, sql))


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
    return QueryRefusedError(f"The result cannot be given out: {error}"[:2_000])


def _position(text: str, sql: str) -> int | None:
    """The engine prints one line of the query, cut with "..." on both sides when it is long, and a caret below."""
    match = _EXCERPT.search(text)
    if match is None:
        return None
    number, excerpt = int(match.group(1)), match.group(2)
    lines = sql.split("\n")
    if not 1 <= number <= len(lines):
        return None
    column = len(match.group(3)) - len(f"LINE {number}: ")
    start = sum(len(line) + 1 for line in lines[: number - 1])
    if excerpt.startswith("..."):
        body = excerpt.removeprefix("...").removesuffix("...")
        found = lines[number - 1].find(body)
        if found < 0:
            return None
        column = column - len("...") + found
    return start + column if 0 <= column <= len(lines[number - 1]) else None
