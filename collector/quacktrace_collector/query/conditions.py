"""Conditions of a WHERE clause whose values are all bound: the only place where SQL text is composed from parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from quacktrace_collector.errors import BadRequestError


@dataclass(slots=True)
class Conditions:
    """Column names come from our own tables; everything that a person typed ends up in `parameters`."""

    clauses: list[str] = field(default_factory=list)
    parameters: dict[str, object] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.clauses)

    @property
    def sql(self) -> str:
        """All of them, joined by AND; `true` when there are none."""
        return " and ".join(self.clauses) or "true"

    def add_equals(self, column: str, value: object) -> None:
        """The column has this value."""
        self.clauses.append(f"{column} = {self._bind(value)}")

    def add_at_least(self, column: str, value: int) -> None:
        """The column has this value or a greater one."""
        self.clauses.append(f"{column} >= {self._bind(value)}")

    def add_contains(self, column: str, text: str) -> None:
        """The column contains the text, in any case; `*` stands for anything."""
        self.clauses.append(f"{column} ilike {self._bind(f'%{like_pattern(text)}%')} escape '\\'")

    def add_matches(self, column: str, text: str) -> None:
        """The text column is this, with `*` for anything."""
        self.clauses.append(self._matches(column, text))

    def add_attribute_matches(self, key: str, columns: Sequence[str], text: str) -> None:
        """The attribute `key` in one of these maps is this, with `*` for anything."""
        bound_key = self._bind(key)
        places = [self._matches(f"{column}[{bound_key}]", text) for column in columns]
        self.clauses.append(f"({' or '.join(places)})")

    def add_column_number(self, column: str, comparison: str, number: float) -> None:
        """The column, read as a number, compares like this."""
        self.clauses.append(f"try_cast({column} as double) {comparison} {self._bind(number)}")

    def add_attribute_number(self, key: str, columns: Sequence[str], comparison: str, number: float) -> None:
        """The attribute `key` of the first of these maps that has it, read as a number, compares like this."""
        bound_key = self._bind(key)
        first = ", ".join(f"{column}[{bound_key}]" for column in columns)
        self.add_column_number(f"coalesce({first})", comparison, number)

    def _matches(self, source: str, text: str) -> str:
        if "*" in text:
            return f"{source} like {self._bind(like_pattern(text))} escape '\\'"
        return f"{source} = {self._bind(text)}"

    def _bind(self, value: object) -> str:
        if isinstance(value, str) and "\0" in value:
            raise BadRequestError("a search value has a NUL character", hint="leave it out")
        name = f"condition_{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"


def like_pattern(text: str) -> str:
    r"""`text` for LIKE … ESCAPE '\': `*` matches anything, all else itself."""
    for special in ("\\", "%", "_"):
        text = text.replace(special, "\\" + special)
    return text.replace("*", "%")
