"""The queries of this package: one member a file of `sql/`, so that a typo is found by a type checker."""

from __future__ import annotations

from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Final

from quacktrace_collector.sql.library import View, with_views


class Query(Enum):
    """The value is the file's name without `.sql`."""

    COMPARE_COUNTS = "compare_counts"
    COMPARE_VALUES = "compare_values"
    DIAGNOSE_ERROR_LOGS = "diagnose_error_logs"
    DIAGNOSE_SPANS = "diagnose_spans"
    EXPLAIN_FAILURES = "explain_failures"
    EXPLAIN_SPANS = "explain_spans"
    HOTSPOTS = "hotspots"
    LINKED_FROM = "linked_from"
    LOGS = "logs"
    LOG_COUNTS = "log_counts"
    NAMESPACES = "namespaces"
    SPAN_MATCHES = "span_matches"
    TRACE_EDGES = "trace_edges"
    TRACE_ENTRIES = "trace_entries"
    TRACE_EVENT_DETAILS = "trace_event_details"
    TRACE_EXPORT = "trace_export"
    TRACE_MATCHES = "trace_matches"

    @property
    def sql(self) -> str:
        """The file's text, with the shared views it reads in front of it.

        Those see only spans that start within `$reach_from_ns` and `$reach_to_ns`: pairing parents and children is what
        costs, and what lies further away is not wanted.
        """
        return _sql(self, _BOUNDS.get(self, f"select * from spans where {_IN_REACH}"))

    @property
    def sql_of_traces(self) -> str:
        """The same, but the views see the traces `$trace_ids` alone, within those times."""
        return _sql(self, _OF_TRACES)


_VIEWS: Final = {
    Query.EXPLAIN_FAILURES: (View.ERRORS,),
    Query.HOTSPOTS: (View.CALLS,),
    Query.TRACE_EDGES: (View.EDGE_CALLS,),
    Query.TRACE_ENTRIES: (View.CALLS,),
}

_IN_REACH: Final = "start_time >= make_timestamp_ns($reach_from_ns) and start_time < make_timestamp_ns($reach_to_ns)"
_OF_TRACE: Final = "select * from spans where trace_id = $trace_id"
_OF_TRACES: Final = f"select * from spans where trace_id in (select unnest($trace_ids)) and {_IN_REACH}"
_BOUNDS: Final = {
    Query.TRACE_EDGES: _OF_TRACE,
    Query.TRACE_ENTRIES: _OF_TRACE,
    Query.EXPLAIN_FAILURES: _OF_TRACES,
}


@cache
def _sql(query: Query, bound: str) -> str:
    text = files(__package__).joinpath("sql", f"{query.value}.sql").read_text(encoding="utf-8")
    if query not in _VIEWS:
        return text
    views = with_views(_VIEWS[query]).removeprefix("with ")
    return f"select * from (with spans as not materialized (\n{bound}\n),\n{views}\nselect * from (\n{text}\n))"
