"""Operations that no longer call what they used to call, or call something new.

Traffic changes its mix all the time, so a call is compared among the spans that made one and the same other call: a
function that returns early still makes those before its return. A call that takes another's place counts less than one
that is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from quacktrace_collector.diagnose.answers import Answers
from quacktrace_collector.diagnose.changes import FEWEST_CALLS, Change, ChangeKind
from quacktrace_collector.diagnose.error_handlers import error_handlers, failures_below, part_of_failure
from quacktrace_collector.diagnose.proportions import sure_increase
from quacktrace_collector.diagnose.span_columns import ComparedSpans, Flags, Numbers, numbered
from quacktrace_collector.diagnose.trace_tree import Rows

# A changed shape says less than lost time or an error.
WEIGHT: Final = 0.7
_WEIGHT_OF_REPLACED: Final = 0.3
# The mix of what people do moves by this much without anybody having changed anything.
TOLERANCE: Final = 0.05
_MOST_OPERATIONS: Final = 2_000
_MOST_CHILDREN: Final = 64
_LONGEST_CHAIN: Final = 100


@dataclass(frozen=True, slots=True)
class CallTable:
    """One operation; position i, j of a matrix: its spans that called child i and child j, child 0 being any span."""

    operation: int
    children: Rows
    """The called operations; position 0 stands for none."""
    current: Numbers
    usual: Numbers
    current_children: Numbers
    """By child: how many different ones those that called it called, on average."""
    usual_children: Numbers
    failed_with: Numbers
    """By child: of the baseline's spans that called it, the share that were part of a failure."""
    failed_without: Numbers
    """Of those that did not."""
    example_rows: Sequence[int]
    """Some spans of the window."""


def call_tables(spans: ComparedSpans, answers: Answers) -> list[CallTable]:
    """Of the operations that have children, those with the most calls; a call is known by what answers it."""
    return list(_tables(spans, answers))


def call_changes(spans: ComparedSpans, tables: Sequence[CallTable], *, sureness: float) -> list[Change]:
    """The largest change of each operation."""
    changes = [change for table in tables if (change := _change(spans, table, sureness)) is not None]
    return changes


def without_passed_on(spans: ComparedSpans, changes: list[Change], errors: Sequence[Change]) -> list[Change]:
    """The same, less what a failure or a change of something that they call explains."""
    of_operation = np.zeros(len(spans.operations))
    for change in (*changes, *errors):
        of_operation[change.operation] = max(of_operation[change.operation], change.score)
    rows = spans.rows_with_parent[spans.is_current[spans.rows_with_parent]]
    count = len(spans.operations)
    pairs = np.unique(spans.operation[spans.parent[rows]] * count + spans.operation[rows])
    pairs = pairs[pairs // count != pairs % count]
    below = np.zeros(count)
    for _ in range(_LONGEST_CHAIN):
        before = below.copy()
        np.maximum.at(below, pairs // count, np.maximum(of_operation, below)[pairs % count])
        if np.array_equal(before, below):
            break
    return [replace(change, score=change.score * (1 - float(below[change.operation]))) for change in changes]


def _tables(spans: ComparedSpans, answers: Answers) -> Iterator[CallTable]:
    count = len(spans.operations)
    rows = spans.rows_with_parent
    # A handler of errors that is called less often is a recovery, and one that is called counts as a failure.
    rows = rows[~error_handlers(spans)[spans.operation[rows]]]
    # What clients themselves call is told by whether they are answered.
    only_waits = np.bincount(spans.operation[answers.is_answered], minlength=count) > 0
    rows = rows[~only_waits[spans.operation[spans.parent[rows]]]]
    rows = rows[(answers.target[rows] >= 0) | ~only_waits[spans.operation[rows]]]
    rows = rows[np.argsort(spans.operation[spans.parent[rows]], kind="stable")]
    called_operation = np.where(answers.target >= 0, answers.target, spans.operation)
    first_child = np.searchsorted(spans.operation[spans.parent[rows]], np.arange(count + 1))
    by_operation = np.argsort(spans.operation, kind="stable")
    first = np.searchsorted(spans.operation[by_operation], np.arange(count + 1))
    current_calls = np.bincount(spans.operation[spans.is_current], minlength=count)
    compared = np.minimum(current_calls, np.diff(first) - current_calls) >= FEWEST_CALLS
    compared &= np.diff(first_child) > 0
    most_first = np.argsort(-np.diff(first), kind="stable")
    position = np.zeros(len(spans.parent), dtype=np.int64)
    in_failure, fails_below = part_of_failure(spans), failures_below(spans)
    for operation in most_first[compared[most_first]][:_MOST_OPERATIONS].tolist():
        mine = by_operation[first[operation] : first[operation + 1]]
        below = rows[first_child[operation] : first_child[operation + 1]]
        children, child = numbered(called_operation[below], below=count)
        if len(children) > _MOST_CHILDREN:
            continue
        position[mine] = np.arange(len(mine))
        called = np.zeros((len(mine), len(children) + 1), np.float32)
        called[:, 0] = 1
        called[position[spans.parent[below]], child + 1] = 1
        # A request that failed of something deeper makes fewer calls, which is no change of its own.
        is_current = spans.is_current[mine] & ~fails_below[mine]
        is_usual = ~spans.is_current[mine] & ~fails_below[mine]
        (current, current_children), (usual, usual_children) = map(_pairs, (called[is_current], called[is_usual]))
        is_before = ~spans.is_current[mine]
        failed_with, failed_without = _failing(called[is_before], in_failure[mine][is_before])
        yield CallTable(
            operation=operation,
            children=np.concatenate(([-1], children)),
            current=current,
            usual=usual,
            current_children=current_children,
            usual_children=usual_children,
            failed_with=failed_with,
            failed_without=failed_without,
            example_rows=mine[is_current][:1].tolist(),
        )


def _pairs(called: npt.NDArray[np.float32]) -> tuple[Numbers, Numbers]:
    together = (called.T @ called).astype(np.float64)
    children = called.T @ called[:, 1:].sum(axis=1)
    return together, children / np.maximum(np.diagonal(together), 1)


def _failing(called: npt.NDArray[np.float32], failed: Flags) -> tuple[Numbers, Numbers]:
    calls = called.sum(axis=0)
    failed_calls = failed @ called
    others = len(called) - calls
    with_, without = failed_calls / np.maximum(calls, 1), (failed.sum() - failed_calls) / np.maximum(others, 1)
    return with_.astype(np.float64), without.astype(np.float64)


def _change(spans: ComparedSpans, table: CallTable, sureness: float) -> Change | None:
    """Row i, column j of each matrix: child j among the spans that called child i."""
    tries, usual_tries = (np.diagonal(matrix)[:, None] for matrix in (table.current, table.usual))
    is_known = np.repeat(np.minimum(tries, usual_tries) >= FEWEST_CALLS, len(tries), axis=1)
    is_known[:, 0] = False
    np.fill_diagonal(is_known, False)
    lost = is_known * sure_increase(table.usual, usual_tries, table.current, tries, sureness=sureness)
    new = is_known * sure_increase(table.current, tries, table.usual, usual_tries, sureness=sureness)
    fewer = (table.usual_children - table.current_children)[:, None]
    really_lost = np.clip(fewer / np.maximum(lost, 1e-9), 0, 1)
    lost, new = np.maximum(lost - TOLERANCE, 0), np.maximum(new - TOLERANCE, 0)
    # What only requests that failed did or left out, and now others do, is a recovery.
    lost *= 1 - np.maximum(table.failed_with - table.failed_without, 0)
    new *= 1 - np.maximum(table.failed_without - table.failed_with, 0)
    lost *= WEIGHT * (_WEIGHT_OF_REPLACED + (1 - _WEIGHT_OF_REPLACED) * really_lost)
    new *= WEIGHT * _WEIGHT_OF_REPLACED
    scores = np.maximum(lost, new)
    given, child = np.unravel_index(int(np.argmax(scores)), scores.shape)
    if scores[given, child] <= 0:
        return None
    is_lost = bool(lost[given, child] >= new[given, child])
    return Change(
        kind=ChangeKind.MISSING_CALLS if is_lost else ChangeKind.NEW_CALLS,
        service=int(spans.operation_service[table.operation]),
        operation=table.operation,
        child=int(table.children[child]),
        given=int(table.children[given]),
        score=float(scores[given, child]),
        calls=int(tries[given, 0]),
        usual_calls=int(usual_tries[given, 0]),
        value=float(table.current[given, child] / tries[given, 0]),
        usual_value=float(table.usual[given, child] / usual_tries[given, 0]),
        example_row=table.example_rows[0],
    )
