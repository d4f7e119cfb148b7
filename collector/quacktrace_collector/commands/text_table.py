"""Rows as a table of text that fits a terminal and does nothing else to it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from typing import Any

from quacktrace.terminal import printable

__all__ = ["format_table"]

NUMERIC = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "HUGEINT")


def format_table(
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Any]],
    *,
    max_column_width: int | None = None,
    width: int | None = None,
) -> str:
    """Names, a rule and the rows; `columns` are (name, SQL type), NULL is empty, long values and lines end in …."""
    cells = [[_cell(value, max_column_width) for value in row] for row in rows]
    heads = [_shortened(printable(name), max_column_width) for name, _ in columns]
    widths = [max([_width(head), *(_width(row[index]) for row in cells)]) for index, head in enumerate(heads)]
    to_the_right = [any(word in type_.upper() for word in NUMERIC) and "[" not in type_ for _, type_ in columns]

    def line(texts: Sequence[str]) -> str:
        padded = (
            f"{' ' * (size - _width(text))}{text}" if right else f"{text}{' ' * (size - _width(text))}"
            for text, size, right in zip(texts, widths, to_the_right, strict=True)
        )
        return _shortened("  ".join(padded).rstrip(), width)

    rule = _shortened("  ".join("─" * size for size in widths), width)
    count = f"({len(rows)} row{'' if len(rows) == 1 else 's'})"
    return "\n".join([line(heads), rule, *map(line, cells), count])


def _cell(value: Any, limit: int | None) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _shortened(printable(text), limit)


def _shortened(text: str, limit: int | None) -> str:
    if limit is None or _width(text) <= limit:
        return text
    kept = ""
    taken = 0
    for character in text:
        taken += _width(character)
        if taken > limit - 1:
            break
        kept += character
    return f"{kept}…"


def _width(text: str) -> int:
    """Cells that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
