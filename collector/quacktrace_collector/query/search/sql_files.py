"""The queries around a search: one member a file of `sql/`, so that a typo is found by a type checker."""

from __future__ import annotations

from enum import Enum
from functools import cache
from importlib.resources import files


class SearchQuery(Enum):
    """The value is the file's name without `.sql`."""

    FACETS = "facets"
    KEYS = "keys"
    RECENT_COUNT = "recent_count"
    SPAN_HEATMAP = "span_heatmap"
    SPAN_LIST = "span_list"
    TRACE_COLUMNS = "trace_columns"
    VALUES = "values"

    def sql(self, **parts: str) -> str:
        """The file's text; `parts` are SQL of our own, with whatever a person typed bound."""
        text = _text(self)
        for name, part in parts.items():
            text = text.replace(f"{{{name}}}", part)
        return text


@cache
def _text(query: SearchQuery) -> str:
    return files(__package__).joinpath("sql", f"{query.value}.sql").read_text(encoding="utf-8")
