"""Just enough of SQL's lexical rules to find words outside strings, quoted names and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

__all__ = ["Word", "explain_prefix", "without_terminator", "words"]

_TOKEN: Final = re.compile(
    r"""
      (?P<skip> \s+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<text>
          [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)
        | '(?:[^']|'')*(?:'|\Z)
        | "(?:[^"]|"")*(?:"|\Z)
        | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)
      )
    | (?P<word> [^\W\d]\w* )
    | (?P<other> \d[\w.]* | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")


class Word(NamedTuple):
    """A word, or one other character, of a statement."""

    start: int
    end: int
    text: str
    """In lower case; a string or quoted name is ''."""
    depth: int
    """How many brackets are open around it."""


def words(sql: str) -> Iterator[Word]:
    """Every token but whitespace and comments, in order."""
    position = depth = 0
    while match := _TOKEN.match(sql, position):
        position = match.end()
        if match["comment"] is not None:
            position = _end_of_comment(sql, position)
        elif match["skip"] is None:
            text = match.group().lower() if match["text"] is None else ""
            if text in (")", "]", "}"):
                depth -= 1
            yield Word(match.start(), position, text, depth)
            if text in ("(", "[", "{"):
                depth += 1


def _end_of_comment(sql: str, position: int) -> int:
    """Comments nest."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(sql, position):
        depth += 1 if edge.group() == "/*" else -1
        if not depth:
            return edge.end()
    return len(sql)


def explain_prefix(sql: str) -> int | None:
    """How many characters `EXPLAIN` or `EXPLAIN ANALYZE` and the comments before it take; None without it."""
    first = list(islice(words(sql), 4))
    texts = [word.text for word in first]
    if texts[:1] != ["explain"]:
        return None
    if texts[1:2] == ["analyze"]:
        return first[1].end
    return first[3].end if texts[1:] == ["(", "analyze", ")"] else first[0].end


def without_terminator(sql: str) -> str:
    """`sql` up to its last token, without the semicolons that end it."""
    end = 0
    for word in words(sql):
        if word.text != ";":
            end = word.end
    return sql[:end]
