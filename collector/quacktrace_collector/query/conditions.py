"""Conditions of a WHERE clause whose values are all bound: the only place where SQL text is composed from parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from quacktrace_collector.errors import BadRequestError
from quacktrace_collector.store.sealed.attribute_rows import AttributeValue


@dataclass(slots=True)
class Conditions:
    """Column names come from our own tables; everything that a person typed ends up in `parameters`."""

    clauses: list[str] = field(default_factory=list)
    parameters: dict[str, object] = field(default_factory=dict)
    attribute: AttributeValue | None = None
    """An attribute that every span which fulfils all clauses has: finding the spans that have it is quicker."""

    def __bool__(self) -> bool:
        return bool(self.clauses)

    @property
    def sql(self) -> str:
        """All of them, joined by AND; `true` when there are none."""
        return " and ".join(self.clauses) or "true"

    def add_equals(self, column: str, value: object) -> None:
        """The column has this value."""
        self.clauses.append(f"{column} = {self.bind(value)}")

    def add_at_least(self, column: str, value: int) -> None:
        """The column has this value or a greater one."""
        self.clauses.append(f"{column} >= {self.bind(value)}")

    def add_contains(self, column: str, text: str) -> None:
        """The column contains the text, in any case; `*` stands for anything."""
        self.clauses.append(f"{column} ilike {self.bind(f'%{like_pattern(text)}%')} escape '\\'")

    def add_attribute(self, key: str, value: str | None) -> None:
        """A log record's attribute has this value as text; None: it has the attribute."""
        column = f"attributes[{self.bind(key)}]"
        self.clauses.append(f"{column} is not null" if value is None else f"{column} = {self.bind(value)}")

    def bind(self, value: object) -> str:
        """How a clause refers to the value."""
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
