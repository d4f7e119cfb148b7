"""Calls to another service that used to be answered there and no longer are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quacktrace_collector.diagnose.answers import Answers
from quacktrace_collector.diagnose.call_changes import TOLERANCE, WEIGHT
from quacktrace_collector.diagnose.changes import Change, ChangeKind
from quacktrace_collector.diagnose.proportions import sure_increase
from quacktrace_collector.diagnose.span_columns import ComparedSpans, numbered
from quacktrace_collector.diagnose.trace_tree import Rows


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """Row i of every column: a client's operation and the operation of another service that it is for."""

    operation: Rows
    target: Rows
    calls: Rows
    answered: Rows
    usual_calls: Rows
    usual_answered: Rows
    example_row: Rows
    """A call without an answer; -1 where there is none in the window."""


def answer_table(spans: ComparedSpans, answers: Answers) -> AnswerTable:
    """Every way between services."""
    rows = np.flatnonzero(answers.target >= 0)
    operations = len(spans.operations)
    keys, group = numbered(
        spans.operation[rows] * operations + answers.target[rows], below=max(operations * operations, 1)
    )
    now, answered = spans.is_current[rows], answers.is_answered[rows]
    example = np.full(len(keys), -1, np.int64)
    lost = now & ~answered
    example[group[lost]] = rows[lost]
    calls, got, usual_calls, usual_got = (
        np.bincount(group[which], minlength=len(keys)) for which in (now, now & answered, ~now, ~now & answered)
    )
    operation, target = keys // max(operations, 1), keys % max(operations, 1)
    return AnswerTable(operation, target, calls, got, usual_calls, usual_got, example)


def answer_changes(spans: ComparedSpans, table: AnswerTable, *, sureness: float) -> list[Change]:
    """Ways on which fewer calls arrive; the service that should answer is held responsible."""
    lost = sure_increase(table.usual_answered, table.usual_calls, table.answered, table.calls, sureness=sureness)
    scores = WEIGHT * np.maximum(lost - TOLERANCE, 0)
    return [
        Change(
            kind=ChangeKind.UNANSWERED,
            service=int(spans.operation_service[table.target[one]]),
            operation=int(table.operation[one]),
            child=int(table.target[one]),
            score=float(scores[one]),
            calls=int(table.calls[one]),
            usual_calls=int(table.usual_calls[one]),
            value=float(table.answered[one] / table.calls[one]),
            usual_value=float(table.usual_answered[one] / max(int(table.usual_calls[one]), 1)),
            example_row=int(table.example_row[one]),
        )
        for one in np.flatnonzero((scores > 0) & (table.example_row >= 0)).tolist()
    ]
