"""Where more calls fail than in the baseline: only failures that start there, not those that are passed on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quacktrace_collector.diagnose.answers import Answers
from quacktrace_collector.diagnose.changes import Change, ChangeKind
from quacktrace_collector.diagnose.error_handlers import failed_or_handled, failures_below
from quacktrace_collector.diagnose.proportions import sure_increase
from quacktrace_collector.diagnose.span_columns import ComparedSpans, Flags, numbered
from quacktrace_collector.diagnose.trace_tree import Rows


@dataclass(frozen=True, slots=True)
class ErrorTable:
    """Row i of every column: an operation, and the service that answers for it."""

    operation: Rows
    guilty: Rows
    calls: Rows
    failed: Rows
    usual_calls: Rows
    usual_failed: Rows
    example_row: Rows
    """-1 where nothing failed in the window."""


def error_table(spans: ComparedSpans, answers: Answers) -> ErrorTable:
    """A failing span below which nothing failed counts; one that only waits for a service speaks for that service."""
    origins = failure_origins(spans)
    guilty = np.where(answers.service >= 0, answers.service, spans.service)
    services = len(spans.services)
    keys, group = numbered(spans.operation * services + guilty, below=len(spans.operations) * services)
    now = spans.is_current
    example = np.full(len(keys), -1, np.int64)
    rows = np.flatnonzero(origins & now)
    example[group[rows]] = rows
    calls, failed, usual_calls, usual_failed = (
        np.bincount(group[which], minlength=len(keys)) for which in (now, now & origins, ~now, ~now & origins)
    )
    return ErrorTable(keys // services, keys % services, calls, failed, usual_calls, usual_failed, example)


def error_changes(table: ErrorTable, *, sureness: float) -> list[Change]:
    """Operations that fail by themselves in more of their calls."""
    scores = sure_increase(table.failed, table.calls, table.usual_failed, table.usual_calls, sureness=sureness)
    return [
        Change(
            kind=ChangeKind.ERRORS,
            service=int(table.guilty[one]),
            operation=int(table.operation[one]),
            score=float(scores[one]),
            calls=int(table.calls[one]),
            usual_calls=int(table.usual_calls[one]),
            value=float(table.failed[one] / table.calls[one]),
            usual_value=float(table.usual_failed[one] / max(int(table.usual_calls[one]), 1)),
            example_row=int(table.example_row[one]),
        )
        for one in np.flatnonzero((scores > 0) & (table.failed > 0)).tolist()
    ]


def failure_origins(spans: ComparedSpans) -> Flags:
    """By row: failed, and nothing below it did."""
    return failed_or_handled(spans) & ~failures_below(spans)
