"""Write terms of the search language, docs/querying.md; `assets/traces/06-query-terms.js` writes the same."""

from __future__ import annotations

import re

__all__ = ["equals"]

_BARE = re.compile(r"[\w.:/@-]+")
_WORDS = frozenset({"and", "or", "not", "in", "exists", "absent"})


def equals(key: str, value: str) -> str:
    """A term that finds spans whose key has this very value."""
    return f"{_quoted(key)} = {_quoted(value)}"


def _quoted(text: str) -> str:
    """As the language reads it back: a star is no wildcard."""
    if _BARE.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + re.sub(r'([\\"*])', r"\\\1", text) + '"'
