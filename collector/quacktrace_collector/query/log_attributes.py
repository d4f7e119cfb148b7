"""The attributes that log records have to have, as a person types them: `http.route=/cart order.id="a b" retried`."""

from __future__ import annotations

import re
from typing import Final

from quacktrace_collector.errors import BadRequestError

__all__ = ["AttributeTerm", "parse_attribute_terms"]

AttributeTerm = tuple[str, str | None]
"""A key and its value; None for any value."""

_TERM: Final = re.compile(r'\s*([^\s="]+)(?:=("(?:[^"\\]|\\.)*"|[^\s"]*))?(?=\s|$)')
_MOST: Final = 20


def parse_attribute_terms(text: str) -> tuple[AttributeTerm, ...]:
    """All of them have to hold; BadRequestError says where a term cannot be read."""
    terms: list[AttributeTerm] = []
    position = 0
    while text[position:].strip():
        match = _TERM.match(text, position)
        if match is None or len(terms) == _MOST:
            raise BadRequestError(
                f"attribute cannot be read at {text[position : position + 40].strip()!r}",
                hint=f'at most {_MOST} of key=value, key="a value" or a key alone (any value), with spaces between',
            )
        terms.append((match[1], None if match[2] is None else _unquoted(match[2])))
        position = match.end()
    return tuple(terms)


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
