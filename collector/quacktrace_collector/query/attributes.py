"""Attributes as the API lists them: key, value as text, and the type that was sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

TYPE_NAMES: Final = {
    "s": "string",
    "i": "int",
    "d": "double",
    "b": "bool",
    "y": "bytes",
    "a": "array",
    "k": "kvlist",
    "n": "empty",
}


def attribute_list(entries: Iterable[tuple[str, str]] | None, types: str | None) -> list[dict[str, Any]]:
    """`types` has one letter an entry, in the same order; an entry without one is a string."""
    letters = types or ""
    return [
        {"key": key, "value": value, "type": TYPE_NAMES.get(letters[index : index + 1], "string")}
        for index, (key, value) in enumerate(entries or ())
    ]
