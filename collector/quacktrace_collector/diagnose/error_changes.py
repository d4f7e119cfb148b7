"""Where more calls fail than in the baseline: only failures that start there, not those that are passed on."""

from __future__ import annotations

from typing import Final

import numpy as np

from quacktrace_collector.diagnose.changes import Change, ChangeKind
from quacktrace_collector.diagnose.proportions import sure_increase
from quacktrace_collector.diagnose.span_columns import ComparedSpans, Flags, Numbers

_LONGEST_CHAIN: Final = 100


def error_changes(spans: ComparedSpans, *, sureness: float) -> list[Change]:
    """A failing span above which nothing failed deeper; one that only waits for a service speaks for that service."""
    origins = failure_origins(spans)
    guilty = np.where(spans.callee >= 0, spans.callee, spans.service)
    services = len(spans.services)
    keys, group = np.unique(spans.operation * services + guilty, return_inverse=True)
    now = spans.is_current
    calls, failed = (_count(group, now & which, len(keys)) for which in (np.ones_like(now), origins))
    usual_calls, usual_failed = (_count(group, ~now & which, len(keys)) for which in (np.ones_like(now), origins))
    scores = sure_increase(failed, calls, usual_failed, usual_calls, sureness=sureness)
    example = np.full(len(keys), -1, np.int64)
    rows = np.flatnonzero(origins & now)
    example[group[rows]] = rows
    return [
        Change(
            kind=ChangeKind.ERRORS,
            service=int(keys[one] % services),
            operation=int(keys[one] // services),
            score=float(scores[one]),
            calls=int(calls[one]),
            usual_calls=int(usual_calls[one]),
            value=float(failed[one] / calls[one]),
            usual_value=float(usual_failed[one] / max(usual_calls[one], 1)),
            example_row=int(example[one]),
        )
        for one in np.flatnonzero((scores > 0) & (failed > 0)).tolist()
    ]


def failure_origins(spans: ComparedSpans) -> Flags:
    """By row: failed, and nothing below it did."""
    fails_below = np.zeros_like(spans.failed)
    failing = spans.rows_with_parent[spans.failed[spans.rows_with_parent]]
    fails_below[spans.parent[failing]] = True
    rows = spans.rows_with_parent
    for _ in range(_LONGEST_CHAIN):
        passing = rows[fails_below[rows] & ~fails_below[spans.parent[rows]]]
        if not len(passing):
            break
        fails_below[spans.parent[passing]] = True
    return spans.failed & ~fails_below


def _count(group: np.ndarray[tuple[int], np.dtype[np.int64]], which: Flags, groups: int) -> Numbers:
    return np.bincount(group[which], minlength=groups).astype(np.float64)
