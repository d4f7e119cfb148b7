"""`quacktrace sql "…"`: ask a running collector, print a table or write a file."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
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
MAX_COLUMN_WIDTH = 60


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", help="one statement; - reads it from standard input")
    parser.add_argument(
        "--format", choices=tuple(ACCEPT), default="table", help="how to print the rows (default: table)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="at most this many rows (default: 10000)")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="S", help="stop after this many seconds (default: 30)")
    parser.add_argument("--url", metavar="URL", help=f"the collector (default: QUACKTRACE_URL, else {DEFAULT_URL})")
    parser.add_argument("--token", metavar="T", help="read token (default: QUACKTRACE_READ_TOKEN)")


def _run(arguments: argparse.Namespace) -> int:
    query = sys.stdin.read() if arguments.query == "-" else arguments.query
    if not query.strip():
        raise UsageError('what shall be asked? For instance: quacktrace sql "select count(*) from spans"')
    if arguments.format in BINARY and sys.stdout.isatty():
        raise UsageError(f"--format {arguments.format} is not for a terminal: add > result.{arguments.format}")
    client = CollectorClient(
        arguments.url or default_url(), token=arguments.token or os.environ.get("QUACKTRACE_READ_TOKEN")
    )
    request: dict[str, Any] = {"query": query, "timeout_s": arguments.timeout}
    if arguments.limit is not None:
        request["limit"] = arguments.limit
    answer = client.post(
        "/api/v1/sql",
        json.dumps(request).encode(),
        content_type="application/json",
        accept=ACCEPT[arguments.format],
    )
    if not answer.is_ok:
        raise QuacktraceError(_refusal(query, answer.error()))
    if arguments.format == "table":
        _print_table(answer.json())
    elif arguments.format == "json":
        _print_json(answer.json())
    elif arguments.format == "csv" and sys.stdout.isatty():
        print("\n".join(map(printable, answer.body.decode("utf-8", "replace").splitlines())))
    else:
        sys.stdout.buffer.write(answer.body)
    return 0


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
