"""Services ranked as the origin of a change: evidence of every kind brought to one scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quacktrace_collector.diagnose.answer_changes import AnswerTable, answer_changes, answer_table
from quacktrace_collector.diagnose.answers import find_answers
from quacktrace_collector.diagnose.call_changes import CallTable, call_changes, call_tables, without_passed_on
from quacktrace_collector.diagnose.changes import LIKELY, SIGNIFICANT, UNSURE, Change
from quacktrace_collector.diagnose.error_changes import ErrorTable, error_changes, error_table
from quacktrace_collector.diagnose.latency_changes import LatencyTables, latency_changes, latency_tables
from quacktrace_collector.diagnose.span_columns import ComparedSpans, Numbers


@dataclass(frozen=True, slots=True)
class Origin:
    """A service, and what speaks against it, the strongest first."""

    service: int
    score: float
    """From 0 to 1."""
    is_significant: bool
    """False: what there is may well be chance."""
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one level of sureness finds."""

    scores: Numbers
    """By service: one minus the chance that none of its kinds of evidence is the reason."""
    changes: list[Change]

    def changes_of(self, service: int) -> list[Change]:
        """The strongest first."""
        changes = [change for change in self.changes if change.service == service]
        return sorted(changes, key=lambda change: (-change.score, change.kind.value, change.operation))


@dataclass(frozen=True, slots=True)
class _Tables:
    """What is the same whatever the sureness."""

    latency: LatencyTables
    calls: list[CallTable]
    answers: AnswerTable
    errors: ErrorTable


def rank_origins(spans: ComparedSpans) -> list[Origin]:
    """Every service with any evidence against it, the likeliest first."""
    answers = find_answers(spans)
    tables = _Tables(
        latency_tables(spans, answers),
        call_tables(spans, answers),
        answer_table(spans, answers),
        error_table(spans, answers),
    )
    significant, likely, unsure = (
        _evidence(spans, tables, sureness=sureness) for sureness in (SIGNIFICANT, LIKELY, UNSURE)
    )
    # Of all three, so that no service is above another by a hair's breadth of certainty alone.
    scores = (significant.scores + likely.scores + unsure.scores) / 3
    origins = []
    for service in np.argsort(-scores, kind="stable").tolist():
        if scores[service] <= 0:
            break
        # Which of two services a slow edge is blamed on may depend on the level.
        levels = (likely, unsure, significant)
        changes = next(filter(None, (level.changes_of(service) for level in levels)), [])
        if not changes:
            continue
        origins.append(Origin(service, float(scores[service]), bool(significant.scores[service] > 0), changes))
    return origins


def _evidence(spans: ComparedSpans, tables: _Tables, *, sureness: float) -> Evidence:
    slower = latency_changes(spans, tables.latency, sureness=sureness)
    errors = error_changes(tables.errors, sureness=sureness)
    unanswered = answer_changes(spans, tables.answers, sureness=sureness)
    called = [*unanswered, *call_changes(spans, tables.calls, sureness=sureness)]
    called = without_passed_on(spans, called, errors)
    innocent = 1 - slower.service_scores
    for changes in (errors, called):
        largest = np.zeros(len(spans.services))
        for change in changes:
            largest[change.service] = max(largest[change.service], change.score)
        innocent *= 1 - largest
    return Evidence(1 - innocent, [*slower.changes, *errors, *called])
