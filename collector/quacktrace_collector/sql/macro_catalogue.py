"""The macros that queries may call, described: what for, what comes out, in which units, and one call that works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = ["MACROS", "SCALAR_MACROS", "TABLE_MACROS", "MacroEntry"]


@dataclass(frozen=True, slots=True)
class MacroEntry:
    """A macro that queries may call."""

    name: str
    signature: str
    description: str
    example: str
    """A whole statement."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """What each column means, in order; none for a macro that gives one value, or the columns of `spans`."""
    is_table: bool = True


_SLOWEST: Final = "(select trace_id from traces order by duration_ns desc limit 1)"
_SPAN_OF_IT: Final = "(select span_id from spans order by duration_ns desc limit 1)"
_LAST_HOUR: Final = "now() - interval 1 hour, now()"
_CALLS: Final = {
    "calls": "How many.",
    "errors": "How many of them have status ERROR.",
    "duration_sum_ns": "Sum of their durations in nanoseconds.",
    "duration_max_ns": "The longest of them in nanoseconds.",
    "durations": "Histogram: bucket b counts durations in (2^(b/8), 2^((b+1)/8)] ns; see quantile_ms.",
}
_EXAMPLE_IDS: Final = {
    "example_trace_id": "A trace that shows it.",
    "example_span_id": "The span in it.",
}

MACROS: Final = (
    MacroEntry(
        "trace",
        "trace(trace_id)",
        "The spans of one trace, each once, by start time, with the columns of spans. The id may have dashes or upper "
        "case, or be a traceparent.",
        f"select service_name, name, duration_ns / 1e6 as ms from trace({_SLOWEST})",
    ),
    MacroEntry(
        "descendants",
        "descendants(trace_id, span_id)",
        "All spans below a span, with the columns of spans.",
        f"from descendants({_SLOWEST}, {_SPAN_OF_IT})",
    ),
    MacroEntry(
        "ancestors",
        "ancestors(trace_id, span_id)",
        "All spans above a span up to the root, with the columns of spans.",
        f"from ancestors({_SLOWEST}, {_SPAN_OF_IT})",
    ),
    MacroEntry(
        "with_descendant",
        "with_descendant(ancestor, descendant)",
        "Spans that fulfil the first condition and have, anywhere below, a span that fulfils the second: the "
        "columns of spans and descendant_span_id. Both are conditions over the columns of spans.",
        "from with_descendant(kind = 'SERVER' and parent_span_id is null, status_code = 'ERROR')",
    ),
    MacroEntry(
        "with_child",
        "with_child(parent, child)",
        "Spans that fulfil the first condition and have a direct child that fulfils the second: the columns of spans "
        "and child_span_id.",
        "from with_child(status_code <> 'ERROR', status_code = 'ERROR')",
    ),
    MacroEntry(
        "self_time",
        "self_time(trace_id)",
        "Each span's own time: its duration minus what its children cover, most first.",
        f"from self_time({_SLOWEST})",
        {
            "span_id": "Span.",
            "parent_span_id": "Its parent; NULL for a root.",
            "service_name": "Its service.",
            "name": "Its name.",
            "kind": "Its kind.",
            "start_time": "Its start.",
            "duration_ns": "Its duration in nanoseconds.",
            "self_time_ns": "What of it no child covers, in nanoseconds.",
        },
    ),
    MacroEntry(
        "critical_path",
        "critical_path(trace_id)",
        "The stretches of spans that the root waited for, in order of time; their durations add up to the root's.",
        f"select service_name, name, sum(duration_ns) / 1e6 as ms from critical_path({_SLOWEST}) group by all",
        {
            "span_id": "Span that was waited for.",
            "service_name": "Its service.",
            "name": "Its name.",
            "from_time": "Start of the stretch.",
            "to_time": "End of the stretch.",
            "duration_ns": "Length of the stretch in nanoseconds.",
        },
    ),
    MacroEntry(
        "red",
        "red(from_time, to_time, bucket := interval 1 minute)",
        "Rate, errors and durations of spans that start in the range, by bucket, service, operation and kind.",
        "select service_name, sum(calls) as calls, quantile_ms(list(durations), 0.95) as p95_ms\n"
        f"from red({_LAST_HOUR}) where is_entry group by all",
        {
            "time": "Start of the bucket; buckets are counted from 1970.",
            "service_name": "Service.",
            "operation": "Span name.",
            "kind": "Span kind.",
            "is_entry": "True for spans by which work enters the service; only these count as the service's requests.",
            **_CALLS,
        },
    ),
    MacroEntry(
        "edges",
        "edges(from_time, to_time, bucket := interval 1 minute)",
        "Calls between services that start in [from_time, to_time), by bucket and edge.",
        f"select client_service, server_service, type, sum(calls) as calls from edges({_LAST_HOUR}) group by all",
        {
            "time": "Start of the bucket; buckets are counted from 1970.",
            "client_service": "Service that calls.",
            "server_service": "Service that is called, or an inferred name.",
            "type": "call, database, messaging, external or link.",
            **_CALLS,
        },
    ),
    MacroEntry(
        "error_groups",
        "error_groups(from_time, to_time)",
        "Errors that began in [from_time, to_time), by service, exception, message without its variable parts and "
        "place; most errors first.",
        "from error_groups(now() - interval 1 day, now())",
        {
            "service_name": "Service that failed.",
            "operation": "Span name; the most frequent one.",
            "exception_type": "exception.type, else error.type, else the HTTP status, else ''.",
            "message": "Message; ‹n› stands for numbers, ‹…› for ids and quoted texts.",
            "frame": "The innermost frame of the stack outside libraries; NULL without a stack.",
            "errors": "How many.",
            "traces": "In how many traces.",
            "first_seen": "Start of the first.",
            "last_seen": "Start of the last.",
            **_EXAMPLE_IDS,
        },
    ),
    MacroEntry(
        "compare",
        "compare(selection, baseline)",
        "What sets spans apart: two conditions over spans' columns; attribute values by difference in share.",
        "from compare(status_code = 'ERROR', status_code <> 'ERROR') where abs(z) > 3",
        {
            "key": "Attribute, or column such as service_name.",
            "value": "Its value.",
            "selected_spans": "Selected spans that have it.",
            "baseline_spans": "Other spans that have it.",
            "selected_share": "Share of the selected spans, 0 to 1.",
            "baseline_share": "Share of the others, 0 to 1.",
            "difference": "The first minus the second.",
            "z": "How sure it is: below 3 in size it is noise.",
        },
    ),
    MacroEntry(
        "slow_traces",
        "slow_traces(from_time, to_time, most := 3)",
        "Each entry operation's slowest traces beside its median.",
        f"from slow_traces({_LAST_HOUR}, most := 1)",
        {
            "service_name": "Service of the root.",
            "operation": "Name of the root.",
            "rank": "1 for the slowest.",
            "trace_id": "Trace.",
            "start_time": "Start of the root.",
            "status_code": "Status of the root.",
            "duration_ms": "Duration of the root in milliseconds.",
            "median_ms": "Median of its operation in milliseconds.",
            "times_median": "How many times the median.",
            "traces": "Traces of the operation.",
        },
    ),
    MacroEntry(
        "n_plus_one",
        "n_plus_one(from_time, to_time, least := 5)",
        "Spans that ask the same again and again: at least so many CLIENT children alike but for their values.",
        f"from n_plus_one({_LAST_HOUR})",
        {
            "service_name": "Service that asks.",
            "operation": "Name of the span that asks.",
            "what": "Statement, method or route, without its values.",
            "spans": "How many spans ask so.",
            "calls_per_span": "How often each, on average.",
            "most_calls": "How often the worst of them.",
            "total_ms": "What all the calls took, in milliseconds.",
            **_EXAMPLE_IDS,
        },
    ),
    MacroEntry(
        "running_at",
        "running_at(moment)",
        "The spans that run at a moment, with the columns of spans.",
        "select service_name, name, count(*) as running\n"
        "from running_at((select max(start_time) from spans)) group by all",
    ),
    MacroEntry(
        "concurrency",
        "concurrency(from_time, to_time, bucket := interval 1 minute)",
        "How many requests each service works on at once, by bucket; counts entry spans that start in the range.",
        f"from concurrency({_LAST_HOUR}, interval 5 minutes)",
        {
            "time": "Start of the bucket.",
            "service_name": "Service.",
            "most_running": "The most that ran at once.",
            "started": "How many began.",
        },
    ),
    MacroEntry(
        "quantile_ms",
        "quantile_ms(list(durations), quantile)",
        "A percentile in milliseconds over merged histograms of edges or red; within 4.4 % of the exact one.",
        "select service_name, quantile_ms(list(durations), 0.99) as p99_ms from red where is_entry group by all",
        is_table=False,
    ),
    MacroEntry(
        "time_lost_ms",
        "time_lost_ms(list(durations), usual_ms)",
        "What the calls of merged histograms took beyond the usual, added up, in milliseconds.",
        "select operation, time_lost_ms(list(durations), 100) as lost_ms from red group by all",
        is_table=False,
    ),
    MacroEntry(
        "now",
        "now()",
        "The time of the query, in UTC and without a time zone, as all times are here.",
        "select now() - interval 1 hour",
        is_table=False,
    ),
)
TABLE_MACROS: Final = frozenset(macro.name for macro in MACROS if macro.is_table)
SCALAR_MACROS: Final = frozenset(macro.name for macro in MACROS if not macro.is_table) | {"get_current_timestamp"}
