"""Values written into SQL text that people read: quoted, so that a name from telemetry stays a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

__all__ = ["inline", "text", "timestamp"]

_PARAMETER = re.compile(r"\$(\w+)")


def text(value: str) -> str:
    """A literal; NUL, which no statement can have, is left out."""
    return "'" + value.replace("\0", "").replace("'", "''") + "'"


def timestamp(time_ns: int) -> str:
    """The moment in UTC, with as many digits as it has."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_ns // 1_000)
    fraction = f"{time_ns % 1_000_000_000:09d}".rstrip("0")
    written = f"{moment:%Y-%m-%d %H:%M:%S}" + (f".{fraction}" if fraction else "")
    return f"timestamp_ns '{written}'" if time_ns % 1_000 else f"timestamp '{written}'"


def inline(sql: str, parameters: Mapping[str, object]) -> str:
    """`sql` with each `$name` as a literal."""
    return _PARAMETER.sub(lambda found: _literal(parameters[found[1]]), sql)


def _literal(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool() | int() | float():
            return str(value).lower()
        case list() | tuple():
            return f"[{', '.join(map(_literal, value))}]"
    return text(str(value))
