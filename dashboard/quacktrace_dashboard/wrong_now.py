"""Say in sentences what is wrong now: what fails or is slow, against the equal time just before.

A pure function over the API's answers. A change counts only where it is larger than chance explains, and a failure that
was merely passed on from a called service ranks below the one that began it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from quacktrace_dashboard.formatting import format_count, format_duration_ms, format_percent, to_milliseconds

__all__ = ["HIGH_ERROR_RATE", "Problem", "end_of_data", "error_change", "find_problems", "start_of_data"]

LEAST_ERRORS = 3
LEAST_CALLS = 20
LEAST_ERROR_RATE = 0.01
HIGH_ERROR_RATE = 0.05
LEAST_SLOWDOWN = 1.5
LEAST_EXTRA_MS = 5.0
LEAST_Z = 3.0
PASSED_ON_SHARE = 0.2


@dataclass(frozen=True)
class Problem:
    """One thing to look at."""

    kind: Literal["errors", "slow", "silent"]
    service_name: str
    operation: str | None
    """None when it concerns the whole service."""
    sentence: str
    """What happened, without the names of service and operation."""
    is_passed_on: bool
    """Whether most of its failures began in a service it calls."""
    impact: float
    """The order within a kind: calls that failed beyond what was usual; time lost times the factor, because a chain of
    callers loses the same time and the one that began it slows by the largest factor."""


def find_problems(
    ranked: Iterable[Mapping[str, Any]],
    groups: Iterable[Mapping[str, Any]],
    services: Iterable[Mapping[str, Any]],
    previous_services: Sequence[Mapping[str, Any]],
) -> list[Problem]:
    """Worst first: failures that began there, slowdowns, silence, and at last failures that were passed on."""
    origins: dict[tuple[str, str], int] = {}
    for group in groups:
        key = (group["service_name"], group["operation"])
        origins[key] = origins.get(key, 0) + group["count"]
    problems: list[Problem] = []
    for row in ranked:
        began_here = origins.get((row["service_name"], row["operation"]), 0) if origins else None
        failing = _failing(row, began_here=began_here, has_before=bool(previous_services))
        problems += [problem for problem in (failing, _slow(row)) if problem is not None]
    problems += _silent(services, previous_services)
    order = {"errors": 0, "slow": 1, "silent": 2}
    return sorted(problems, key=lambda p: (p.is_passed_on, order[p.kind], -p.impact, p.service_name, p.operation or ""))


def start_of_data(from_ms: int, to_ms: int, data_from: str | None) -> int:
    """Where to begin when storage is younger than the range: most of an hour of nothing hides the first minutes."""
    if data_from is None:
        return from_ms
    first_ms = to_milliseconds(data_from) // 60_000 * 60_000
    return first_ms if from_ms + 0.1 * (to_ms - from_ms) < first_ms < to_ms else from_ms


def end_of_data(from_ms: int, to_ms: int, data_to: str | None) -> int:
    """Where to end when nothing came for a while: half a range of nothing would look like a recovery."""
    last_ms = -(-(to_milliseconds(data_to) + 1) // 60_000) * 60_000 if data_to is not None else to_ms
    return last_ms if from_ms < last_ms < to_ms else to_ms


def error_change(errors: int, calls: int, before_errors: int, before_calls: int) -> list[float | None]:
    """The error rate now and before; the same twice where chance alone explains the difference."""
    rate = errors / calls if calls else 0.0
    if not before_calls:
        return [rate, None]
    is_change = abs(_z_score(errors, calls, before_errors, before_calls)) >= LEAST_Z
    return [rate, before_errors / before_calls if is_change else rate]


def _failing(row: Mapping[str, Any], *, began_here: int | None, has_before: bool) -> Problem | None:
    calls, errors = row["calls"], row["errors"]
    if errors < LEAST_ERRORS or not calls:
        return None
    rate = errors / calls
    before_calls, before_errors = row["previous_calls"], row["previous_errors"]
    before = before_errors / before_calls if before_calls else 0.0
    is_worse = rate >= LEAST_ERROR_RATE and _z_score(errors, calls, before_errors, before_calls) >= LEAST_Z
    if not is_worse and rate < HIGH_ERROR_RATE:
        return None
    share = f"{format_percent(rate)} of calls fail"
    if not before_calls:
        sentence = f"{share} ({format_count(errors)} of {format_count(calls)})"
        if has_before:
            sentence += "; there were no calls before"
    elif not before_errors:
        sentence = f"{share}, none before"
    else:
        lasts = not is_worse and rate < 1.5 * before
        sentence = f"{share}, {'as before' if lasts else f'{format_percent(before)} before'}"
    is_passed_on = began_here is not None and began_here < PASSED_ON_SHARE * errors
    return Problem("errors", row["service_name"], row["operation"], sentence, is_passed_on, errors - before * calls)


def _slow(row: Mapping[str, Any]) -> Problem | None:
    now, before = row["p95_ms"], row["previous_p95_ms"]
    if now is None or not before or min(row["calls"], row["previous_calls"]) < LEAST_CALLS:
        return None
    if now < LEAST_SLOWDOWN * before or now - before < LEAST_EXTRA_MS:
        return None
    ratio = now / before
    times = f"{ratio:.0f}" if ratio >= 9.5 else f"{ratio:.1f}"
    sentence = f"p95 is {format_duration_ms(now)}, {times}× the {format_duration_ms(before)} before"
    return Problem("slow", row["service_name"], row["operation"], sentence, False, ratio * (row["time_lost_ms"] or 0.0))


def _silent(services: Iterable[Mapping[str, Any]], previous_services: Iterable[Mapping[str, Any]]) -> Iterable[Problem]:
    alive = {service["service_name"] for service in services if service["calls"]}
    for service in previous_services:
        if service["calls"] >= LEAST_CALLS and service["service_name"] not in alive:
            sentence = f"no calls any more, {format_count(service['calls'])} before"
            yield Problem("silent", service["service_name"], None, sentence, False, float(service["calls"]))


def _z_score(errors: int, calls: int, before_errors: int, before_calls: int) -> float:
    """How many standard deviations apart two error rates are; a first failure after few calls says little."""
    if not before_calls or not calls:
        return math.inf
    pooled = (errors + before_errors) / (calls + before_calls)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / calls + 1 / before_calls))
    return (errors / calls - before_errors / before_calls) / deviation if deviation else 0.0
