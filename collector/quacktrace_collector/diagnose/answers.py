"""Which operation answers a span that waits for another service, and which it was meant for where none answered.

Half of all clients call everything `HTTP POST`. Where an address or the usual answers do not tell the target, what its
siblings were answered by does: of the operations that the parent calls that way, the one that is missing most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quacktrace_collector.diagnose.span_columns import ComparedSpans, Flags, numbered
from quacktrace_collector.diagnose.trace_tree import Rows

# Of the missing ones, the one called first: what would have come after the failure is missing as well.
_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Answers:
    """Row i of every column is the span i."""

    target: Rows
    """The operation of another service that the span waits for; -1 where it waits for none, or for one unknown."""
    is_answered: Flags
    """A span of the target is below."""
    service: Rows
    """That of the target; -1 for none."""


def find_answers(spans: ComparedSpans) -> Answers:
    """Those there are, and those there should have been."""
    rows = spans.rows_with_parent
    above = spans.parent[rows]
    is_answer = (spans.callee[above] >= 0) & (spans.service[rows] != spans.service[above])
    answers = rows[is_answer]
    answers = answers[np.argsort(-spans.start_ns[answers], kind="stable")]
    target = np.full(len(spans.parent), -1, np.int64)
    target[spans.parent[answers]] = spans.operation[answers]
    answered = target >= 0
    has_children = np.zeros(len(spans.parent), np.bool_)
    has_children[above] = True
    operations = len(spans.operations)
    way = spans.operation * (int(spans.peer.max(initial=-1)) + 2) + spans.peer + 1
    _, way = numbered(way, below=int(way.max(initial=0)) + 1)
    pairs = np.unique(way[answered] * operations + target[answered])
    targets_of_way = np.bincount(pairs // max(operations, 1), minlength=int(way.max(initial=-1)) + 1)
    only_target = np.full(len(targets_of_way), -1, np.int64)
    only_target[pairs // max(operations, 1)] = pairs % max(operations, 1)
    unanswered = np.flatnonzero(~answered & ~has_children & (targets_of_way[way] > 0))
    is_clear = targets_of_way[way[unanswered]] == 1
    target[unanswered[is_clear]] = only_target[way[unanswered[is_clear]]]
    _tell_by_siblings(spans, target, answered, unanswered[~is_clear])
    service = np.where(target >= 0, spans.operation_service[target], np.maximum(spans.callee, -1))
    return Answers(target, answered, service)


def _tell_by_siblings(spans: ComparedSpans, target: Rows, answered: Flags, unanswered: Rows) -> None:
    """Fills in `target` of the unanswered calls."""
    operations = len(spans.operations)
    unanswered = unanswered[spans.parent[unanswered] >= 0]
    # Calls of one name below one operation are told apart together.
    place = np.where(spans.parent >= 0, spans.operation[spans.parent], -1) * operations + spans.operation
    for one in np.unique(place[unanswered]).tolist():
        lost = unanswered[place[unanswered] == one]
        siblings = np.flatnonzero(answered & (place == one))
        if not len(siblings):
            continue
        parents, parent = np.unique(np.concatenate((spans.parent[siblings], spans.parent[lost])), return_inverse=True)
        of_sibling, of_lost = parent[: len(siblings)], parent[len(siblings) :]
        targets, column = np.unique(target[siblings], return_inverse=True)
        calls = np.zeros((len(parents), len(targets)), np.float32)
        np.add.at(calls, (of_sibling, column), 1)
        is_whole = np.ones(len(parents), np.bool_)
        is_whole[of_lost] = False
        if not is_whole.any():
            continue
        missing = np.maximum(calls[is_whole].mean(axis=0) - calls[of_lost], 0)
        delay = (spans.start_ns[siblings] - spans.start_ns[spans.parent[siblings]]).astype(np.float64)
        order = np.argsort(np.bincount(column, delay) / np.bincount(column), kind="stable")
        is_likely = missing[:, order] >= _ALIKE * np.maximum(missing.max(axis=1, keepdims=True), 1e-6)
        found = is_likely.any(axis=1)
        target[lost[found]] = targets[order[np.argmax(is_likely[found], axis=1)]]
