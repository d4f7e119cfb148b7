"""Services ranked as the origin of a change: evidence of every kind brought to one scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quacktrace_collector.diagnose.call_changes import CallTable, call_changes, call_tables, without_passed_on
from quacktrace_collector.diagnose.changes import LIKELY, SIGNIFICANT, UNSURE, Change
from quacktrace_collector.diagnose.error_changes import error_changes
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


def rank_origins(spans: ComparedSpans) -> list[Origin]:
    """Every service with any evidence against it, the likeliest first."""
    latency, calls = latency_tables(spans), call_tables(spans)
    significant, likely, unsure = (
        _evidence(spans, latency, calls, sureness=sureness) for sureness in (SIGNIFICANT, LIKELY, UNSURE)
    )
    # Of all three, so that no service is above another by a hair's breadth of certainty alone.
    scores = (significant.scores + likely.scores + unsure.scores) / 3
    origins = []
    for service in np.argsort(-scores, kind="stable").tolist():
        if scores[service] <= 0:
            break
        evidence = likely if likely.scores[service] > 0 else unsure
        changes = [change for change in evidence.changes if change.service == service]
        changes.sort(key=lambda change: (-change.score, change.kind.value, change.operation))
        origins.append(Origin(service, float(scores[service]), bool(significant.scores[service] > 0), changes))
    return origins


def _evidence(spans: ComparedSpans, latency: LatencyTables, calls: list[CallTable], *, sureness: float) -> Evidence:
    slower = latency_changes(spans, latency, sureness=sureness)
    errors = error_changes(spans, sureness=sureness)
    called = without_passed_on(spans, call_changes(spans, calls, sureness=sureness), errors)
    innocent = 1 - slower.service_scores
    for changes in (errors, called):
        largest = np.zeros(len(spans.services))
        for change in changes:
            largest[change.service] = max(largest[change.service], change.score)
        innocent *= 1 - largest
    return Evidence(1 - innocent, [*slower.changes, *errors, *called])
