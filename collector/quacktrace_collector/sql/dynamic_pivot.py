"""PIVOT without IN, whose columns are the values that the data holds.

The engine would create a type for it, which a read-only transaction and the gate refuse. So the values are asked for
first, by a query of their own, and written out: `pivot spans on kind` becomes `pivot spans on kind in ('CLIENT', …)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from quacktrace_collector.sql.lexer import Word, words

__all__ = ["MAX_PIVOT_VALUES", "DynamicPivot", "split_pivot"]

MAX_PIVOT_VALUES: Final = 200

_ENDS: Final = frozenset({"using", "group", "order", "limit", ";"})


@dataclass(frozen=True, slots=True)
class DynamicPivot:
    """A PIVOT statement in parts of its own text."""

    before: str
    """CTEs, if any."""
    source: str
    items: tuple[str, ...]
    """The expressions after ON."""
    dynamic: tuple[int, ...]
    """Which of them have no IN."""
    after: str
    """USING and whatever follows."""

    def values_query(self, item: int) -> str:
        """The distinct values of an expression, as many as are accepted and one more."""
        return (
            f"{self.before} select distinct {self.items[item]} as value from {self.source}"
            f" where value is not null order by value limit {MAX_PIVOT_VALUES + 1}"
        )

    def with_values(self, values: Mapping[int, Sequence[object]]) -> str:
        """The statement with an IN list for each dynamic expression."""
        items = [
            f"{item} in ({', '.join(map(_literal, values[index]))})" if index in values else item
            for index, item in enumerate(self.items)
        ]
        return f"{self.before} pivot {self.source} on {', '.join(items)} {self.after}"


def split_pivot(sql: str) -> DynamicPivot | None:
    """The parts of a PIVOT statement that has an expression without IN; None for anything else."""
    outer = [word for word in words(sql) if word.depth == 0]
    start = _find(outer, 0, {"pivot", "pivot_wider"})
    if start is None or (start > 0 and outer[0].text != "with"):
        return None
    on = _find(outer, start, {"on"})
    if on is None:
        return None
    end = _find(outer, on, _ENDS)
    stop = outer[end].start if end is not None else len(sql)
    items, dynamic = _items(sql, outer[on + 1 : end], stop)
    if not dynamic:
        return None
    return DynamicPivot(
        before=sql[: outer[start].start],
        source=sql[outer[start].end : outer[on].start].strip(),
        items=items,
        dynamic=dynamic,
        after=sql[stop:].rstrip().rstrip(";"),
    )


def _find(outer: Sequence[Word], start: int, texts: set[str] | frozenset[str]) -> int | None:
    return next((index for index in range(start, len(outer)) if outer[index].text in texts), None)


def _items(sql: str, between: Sequence[Word], stop: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    commas = [word for word in between if word.text == ","]
    bounds = [between[0].start if between else stop, *(comma.end for comma in commas), stop + 1]
    items, dynamic = [], []
    for index, (start, end) in enumerate(pairwise(bounds)):
        items.append(sql[start : end - 1].strip())
        if not any(word.text == "in" for word in between if start <= word.start < end):
            dynamic.append(index)
    return tuple(items), tuple(dynamic)


def _literal(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"
