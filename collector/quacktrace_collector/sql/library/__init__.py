"""The views, macros and recipes of queries, one `.sql` file each, over two relations named `spans` and `logs`."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from pathlib import Path

__all__ = ["Macro", "View", "macro_sql", "recipes", "view_sql", "with_views"]


class View(StrEnum):
    """A view by its name; the order is the order of creation. A leading `_` marks a private one."""

    EVENTS = "events"
    LINKS = "links"
    ERRORS = "errors"
    TRACES = "traces"
    CALLS = "_calls"
    """One row per span: its parent's service and whether it is an entry span of its own."""
    INFERRED_CALLS = "_inferred_calls"
    LINK_CALLS = "_link_calls"
    EDGE_CALLS = "edge_calls"
    """One row per call over an edge, inferred nodes and links included."""
    EDGES = "edges"
    RED = "red"


class Macro(StrEnum):
    """A macro by its name, in the order of creation: a macro may call those before it."""

    NOW = "now"
    GET_CURRENT_TIMESTAMP = "get_current_timestamp"
    TRACE_KEY = "_trace_key"
    ENTRIES = "_entries"
    MIDDLE_NS = "_middle_ns"
    BUCKET_AT = "_bucket_at"
    APPLICATION_FRAME = "_application_frame"
    QUANTILE_MS = "quantile_ms"
    TIME_LOST_MS = "time_lost_ms"
    TRACE = "trace"
    DESCENDANTS = "descendants"
    ANCESTORS = "ancestors"
    WITH_DESCENDANT = "with_descendant"
    WITH_CHILD = "with_child"
    SELF_TIME = "self_time"
    CRITICAL_PATH = "critical_path"
    RED = "red"
    EDGES = "edges"
    ERROR_GROUPS = "error_groups"
    COMPARE = "compare"
    SLOW_TRACES = "slow_traces"
    N_PLUS_ONE = "n_plus_one"
    RUNNING_AT = "running_at"
    CONCURRENCY = "concurrency"


_FOLDER = Path(__file__).parent

_READS: dict[View, tuple[View, ...]] = {
    View.EDGE_CALLS: (View.CALLS, View.INFERRED_CALLS, View.LINK_CALLS),
    View.EDGES: (View.EDGE_CALLS,),
    View.RED: (View.CALLS,),
}


@cache
def view_sql(view: View) -> str:
    """The view's one statement, as it stands in its file."""
    return (_FOLDER / f"{view}.sql").read_text("utf-8").strip()


@cache
def macro_sql(macro: Macro) -> str:
    """The statement that creates the macro."""
    return (_FOLDER / "macros" / f"{macro}.sql").read_text("utf-8").strip()


def with_views(views: Iterable[View]) -> str:
    """`with a as (…), b as (…)`: the views and whatever they read, for a query over `spans` and `logs`.

    A file may start with a comment, so each body stands on lines of its own.
    """
    needed = set(views)
    while missing := {read for view in needed for read in _READS.get(view, ())} - needed:
        needed |= missing
    return "with " + ",\n".join(f"{view} as (\n{view_sql(view)}\n)" for view in View if view in needed)


def recipes() -> list[tuple[str, str]]:
    """Title and query of each recipe, in order: the first line of its file is a comment with the title."""
    texts = (path.read_text("utf-8").strip() for path in sorted((_FOLDER / "recipes").glob("*.sql")))
    parts = (text.partition("\n") for text in texts)
    return [(title.removeprefix("-- "), query) for title, _, query in parts]
