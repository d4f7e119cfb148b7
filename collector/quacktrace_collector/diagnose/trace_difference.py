"""Why one trace took longer than its like: the difference of its duration, split among the places where it arose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quacktrace_collector.diagnose.path_costs import PathCost


@dataclass(frozen=True, slots=True)
class Part:
    """One place: what it cost in this trace, and what it costs on average."""

    place: int
    critical_ns: int
    usual_critical_ns: float
    calls: int
    usual_calls: float
    rows: list[int]

    @property
    def extra_ns(self) -> float:
        """Negative where this trace was faster."""
        return self.critical_ns - self.usual_critical_ns


def split_difference(trace: dict[int, PathCost], baseline: Sequence[dict[int, PathCost]]) -> list[Part]:
    """Every place of the trace or of any of the baseline; the largest part of the difference first.

    The parts add up to the trace's duration minus the baseline's mean, because critical paths tile their roots.
    """
    nothing = PathCost()
    parts = []
    for place in dict.fromkeys((*trace, *(place for usual in baseline for place in usual))):
        cost = trace.get(place, nothing)
        usual = [one.get(place, nothing) for one in baseline]
        parts.append(
            Part(
                place=place,
                critical_ns=cost.critical_ns,
                usual_critical_ns=sum(one.critical_ns for one in usual) / len(baseline),
                calls=cost.calls,
                usual_calls=sum(one.calls for one in usual) / len(baseline),
                rows=cost.rows,
            )
        )
    return sorted(parts, key=lambda part: (-abs(part.extra_ns), -abs(part.calls - part.usual_calls), part.place))
