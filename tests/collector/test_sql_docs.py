"""docs/sql.md is made from the catalogue and the schema, and what it says about the limits is so."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from quacktrace_collector.schema import PROMOTED
from quacktrace_collector.sql import routes
from quacktrace_collector.sql.catalogue import EXAMPLES, TABLES
from quacktrace_collector.sql.dynamic_pivot import MAX_PIVOT_VALUES
from quacktrace_collector.sql.frames import MAX_BODY_BYTES
from quacktrace_collector.sql.gate import MAX_QUERY_CHARACTERS
from quacktrace_collector.sql.macro_catalogue import MACROS
from quacktrace_collector.sql.worker_process import WorkerLimits

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"


def examples() -> Iterator[str]:
    for example in EXAMPLES:
        yield f"**{example.title}**\n\n```sql\n{example.query}\n```\n"


def macros() -> Iterator[str]:
    yield "| macro | |\n|---|---|"
    for macro in MACROS:
        yield f"| `{macro.signature}` | {macro.description} |"
    for macro in MACROS:
        yield f"\n### {macro.signature}\n{macro.description}\n\n```sql\n{macro.example}\n```"
        if macro.columns:
            yield "\n| column | |\n|---|---|"
        yield from (f"| `{column}` | {description} |" for column, description in macro.columns.items())


def promoted() -> Iterator[str]:
    yield "| column | type | attribute |\n|---|---|---|"
    for attribute in PROMOTED:
        kind = "INTEGER" if pa.types.is_integer(attribute.type) else "VARCHAR"
        yield f"| `{attribute.column}` | {kind} | {', else '.join(f'`{key}`' for key in attribute.keys)} |"


def tables() -> Iterator[str]:
    for name, table in TABLES.items():
        yield f"### {name}\n{table.description}\n\n| column | |\n|---|---|"
        yield from (f"| `{column}` | {description} |" for column, description in table.columns.items())
        yield ""


def test_page_has_what_the_code_has() -> None:
    written = PAGE.read_text("utf-8")
    text = written
    for name, lines in (("examples", examples()), ("macros", macros()), ("promoted", promoted()), ("tables", tables())):
        block = re.search(rf"(?<=<!-- {name}: made from )([^\n]*\n).*?(?=<!-- /{name} -->)", text, re.DOTALL)
        assert block, name
        text = text[: block.end(1)] + "\n".join(lines).rstrip("\n") + "\n" + text[block.end() :]
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(text, "utf-8")
    else:
        assert written == text, "run `make docs`"


def test_limits_on_the_page_are_those_of_the_code() -> None:
    text = PAGE.read_text("utf-8")
    limits = WorkerLimits()
    for said in (
        f"| time | {routes.DEFAULT_TIMEOUT_S:g} s; `timeout_s` up to {routes.MAX_TIMEOUT_S:g} |",
        f"| rows | {routes.DEFAULT_LIMIT:,}; `limit` up to {routes.MAX_LIMIT:,} |",
        f"| result | {MAX_BODY_BYTES >> 20} MiB |",
        f"{limits.memory_limit_bytes >> 20} MiB for the engine",
        f"{limits.address_space_bytes / (1 << 30):g} GiB of addresses",
        f"| query | {MAX_QUERY_CHARACTERS:,} characters |",
        f"makes at most {MAX_PIVOT_VALUES} columns",
    ):
        assert said in text
