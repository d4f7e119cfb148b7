"""Spans of frameworks' error pages: whoever calls one has failed, even where nobody set a status."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from quacktrace_collector.diagnose.span_columns import ComparedSpans, Flags

# Spring dispatches a request that failed to `BasicErrorController` or to `/error`, others to an ErrorController of
# their own; OpenTelemetry's Java agent makes a span of it.
_HANDLER: Final = re.compile(r"(?:\w*ErrorController[.#]\w+|(?:[A-Z]+ )?/error)")

_LONGEST_CHAIN: Final = 100


def error_handlers(spans: ComparedSpans) -> Flags:
    """By operation."""
    return np.array([_HANDLER.fullmatch(name) is not None for name in spans.operations], np.bool_)


def failed_or_handled(spans: ComparedSpans) -> Flags:
    """By row: failed, or a handler of errors was called."""
    handlers = error_handlers(spans)
    if not handlers.any():
        return spans.failed
    failed = spans.failed.copy()
    handling = spans.rows_with_parent[handlers[spans.operation[spans.rows_with_parent]]]
    failed[spans.parent[handling]] = True
    return failed


def failures_below(spans: ComparedSpans) -> Flags:
    """By row: something below it failed."""
    failed = failed_or_handled(spans)
    fails_below = np.zeros_like(failed)
    failing = spans.rows_with_parent[failed[spans.rows_with_parent]]
    fails_below[spans.parent[failing]] = True
    rows = spans.rows_with_parent
    for _ in range(_LONGEST_CHAIN):
        passing = rows[fails_below[rows] & ~fails_below[spans.parent[rows]]]
        if not len(passing):
            break
        fails_below[spans.parent[passing]] = True
    return fails_below


def part_of_failure(spans: ComparedSpans) -> Flags:
    """By row: failed, or is below a span of the same service that did."""
    failed = failed_or_handled(spans).copy()
    rows = spans.rows_with_parent
    rows = rows[spans.service[rows] == spans.service[spans.parent[rows]]]
    for _ in range(_LONGEST_CHAIN):
        below = rows[failed[spans.parent[rows]] & ~failed[rows]]
        if not len(below):
            break
        failed[below] = True
    return failed
