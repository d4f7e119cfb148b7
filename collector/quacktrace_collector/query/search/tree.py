"""What a search says, as a tree: conditions on one span, and bounds of the trace's duration."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from quacktrace_collector.query.search.fields import Field

Comparison = Literal["=", "!=", "<", "<=", ">", ">=", "=~", "!~"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text with wildcards: its parts, with anything between two of them."""

    parts: tuple[str, ...]

    @property
    def is_literal(self) -> bool:
        return len(self.parts) == 1

    @property
    def text(self) -> str:
        """As a person would write it."""
        return "*".join(self.parts)

    @property
    def like(self) -> str:
        r"""For LIKE … ESCAPE '\'."""
        return "%".join(part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for part in self.parts)


@dataclass(frozen=True, slots=True)
class Where:
    """Which characters of the search say it."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Always:
    """Nothing is asked for, or what was asked for holds whatever the span."""

    where: Where = dataclasses.field(default=Where(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Never:
    """No span can fulfil it."""

    where: Where = dataclasses.field(default=Where(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class NameContains:
    """The span's name contains this, in any case."""

    pattern: Pattern
    where: Where = dataclasses.field(compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """A field of the span compares like this; a span without the field fulfils `!=` and `!~` alone."""

    field: Field
    comparison: Comparison
    value: Pattern
    where: Where = dataclasses.field(compare=False)


@dataclass(frozen=True, slots=True)
class Exists:
    """The span has the field."""

    field: Field
    where: Where = dataclasses.field(compare=False)


@dataclass(frozen=True, slots=True)
class TraceDuration:
    """The trace lasts as long as this says."""

    comparison: Comparison
    duration_ns: int
    where: Where = dataclasses.field(compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite: true of a span exactly when the node is not."""

    node: Node
    where: Where = dataclasses.field(compare=False)


@dataclass(frozen=True, slots=True)
class And:
    nodes: tuple[Node, ...]
    where: Where = dataclasses.field(compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    nodes: tuple[Node, ...]
    where: Where = dataclasses.field(compare=False)


Node = Always | Never | NameContains | Compare | Exists | TraceDuration | Not | And | Or
