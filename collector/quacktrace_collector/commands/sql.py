"""`quacktrace sql "…"`: ask a running collector, print a table or write a file."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quacktrace.client import DEFAULT_URL, CollectorClient, default_url
from quacktrace.commands import Command
from quacktrace.errors import QuacktraceError, UsageError
from quacktrace.terminal import printable
from quacktrace_collector.commands.text_table import format_table

__all__ = ["COMMAND"]

ACCEPT = {
    "table": "application/json",
    "json": "application/json",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}
BINARY = frozenset({"arrow", "parquet"})
STREAMED = frozenset({"csv", "arrow", "parquet"})
MAX_COLUMN_WIDTH = 60


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "query",
        nargs="?",
        help=r"one statement; - reads it from standard input; \d lists tables and macros, \d NAME describes one",
    )
    parser.add_argument("-f", "--file", metavar="FILE", help="read the statement from a file")
    parser.add_argument(
        "--format", choices=tuple(ACCEPT), default="table", help="how to print the rows (default: table)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="at most this many rows (default: 10000)")
    parser.add_argument(
        "--timeout", type=float, default=30.0, metavar="S", help="stop after this many seconds (default: 30)"
    )
    parser.add_argument("--url", metavar="URL", help=f"the collector (default: QUACKTRACE_URL, else {DEFAULT_URL})")
    parser.add_argument("--token", metavar="T", help="read token (default: QUACKTRACE_READ_TOKEN)")


def _run(arguments: argparse.Namespace) -> int:
    query = _query(arguments)
    client = CollectorClient(
        arguments.url or default_url(),
        token=arguments.token or os.environ.get("QUACKTRACE_READ_TOKEN"),
        timeout_s=max(60.0, arguments.timeout + 30.0),
    )
    if query.strip().startswith("\\"):
        return _describe(client, query.strip())
    if arguments.format in BINARY and sys.stdout.isatty():
        raise UsageError(f"--format {arguments.format} is not for a terminal: add > result.{arguments.format}")
    request: dict[str, Any] = {"query": query, "timeout_s": arguments.timeout}
    if arguments.limit is not None:
        request["limit"] = arguments.limit
    # Rows that need no look at all of them go out as they come, however many there are.
    is_streamed = arguments.format in STREAMED and not sys.stdout.isatty()
    answer = client.post(
        "/api/v1/sql",
        json.dumps({**request, "stream": is_streamed}).encode(),
        content_type="application/json",
        accept=ACCEPT[arguments.format],
        write=sys.stdout.buffer.write if is_streamed else None,
    )
    if not answer.is_ok:
        raise QuacktraceError(_refusal(query, answer.error()))
    if arguments.format == "table":
        _print_table(answer.json())
    elif arguments.format == "json":
        _print_json(answer.json())
    elif not is_streamed:
        print("\n".join(map(printable, answer.body.decode("utf-8", "replace").splitlines())))
    return 0


def _query(arguments: argparse.Namespace) -> str:
    if arguments.file is not None and arguments.query is not None:
        raise UsageError("a query and a file are too much: give one of them")
    if arguments.file is not None:
        try:
            text = Path(arguments.file).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{arguments.file} cannot be read: {error}") from error
    else:
        text = sys.stdin.read() if arguments.query == "-" else arguments.query or ""
    if not text.strip():
        raise UsageError('what shall be asked? For instance: quacktrace sql "select count(*) from spans"')
    return text


def _describe(client: CollectorClient, command: str) -> int:
    r"""`\d`: what there is; `\d NAME`: the columns of a table or macro."""
    word, _, name = command.partition(" ")
    if word not in (r"\d", r"\dt"):
        raise UsageError(rf"{word} is not known: \d lists tables and macros, \d NAME describes one")
    answer = client.get("/api/v1/schema")
    if not answer.is_ok:
        raise QuacktraceError(_refusal("", answer.error()))
    schema = answer.json()
    name = name.strip().strip('"').partition("(")[0]
    if not name:
        rows = [["table", one["name"], one["description"]] for one in schema["tables"]]
        rows += [["macro", one["signature"], one["description"]] for one in schema["macros"]]
        _print_rows((("kind", "VARCHAR"), ("name", "VARCHAR"), ("what it holds", "VARCHAR")), rows)
        return 0
    found = [one for one in (*schema["tables"], *schema["macros"]) if one["name"] == name.lower()]
    if not found:
        raise UsageError(rf"there is no table or macro {name!r}: \d lists them")
    for one in found:
        print(f"{one.get('signature', one['name'])}: {one['description']}")
        if "example" in one:
            print(f"\n{one['example']}")
        if one.get("columns"):
            print()
            columns = [[column["name"], column.get("type", ""), column["description"]] for column in one["columns"]]
            _print_rows((("column", "VARCHAR"), ("type", "VARCHAR"), ("what it means", "VARCHAR")), columns)
    return 0


def _print_rows(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> None:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print(format_table(columns, rows, width=width))


def _print_table(result: dict[str, Any]) -> None:
    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else None
    columns = [(column["name"], column["type"]) for column in result["columns"]]
    print(
        format_table(columns, result["rows"], max_column_width=MAX_COLUMN_WIDTH if is_terminal else None, width=width)
    )
    _say_truncated(result)


def _print_json(result: dict[str, Any]) -> None:
    names = [column["name"] for column in result["columns"]]
    rows = (json.dumps(dict(zip(names, row, strict=True))) for row in result["rows"])
    print("[" + ",\n ".join(rows) + "]")
    _say_truncated(result)


def _say_truncated(result: dict[str, Any]) -> None:
    if result.get("truncated"):
        print(f"(only the first {len(result['rows'])} rows: --limit N asks for more)", file=sys.stderr)


def _refusal(query: str, error: dict[str, Any]) -> str:
    """The engine's message, where in the query, and the hint, each printed safely by the command line."""
    parts = [str(error["message"])]
    position = error.get("position")
    if isinstance(position, int) and 0 <= position <= len(query):
        line = query.count("\n", 0, position) + 1
        column = position - (query.rfind("\n", 0, position) + 1) + 1
        parts.append(f"(line {line}, column {column}: {query[position : position + 30]!r})")
    if error.get("hint"):
        parts.append(f"· {error['hint']}")
    return " ".join(parts)


COMMAND = Command(name="sql", summary="ask the stored traces in SQL", add_arguments=_add_arguments, run=_run)
