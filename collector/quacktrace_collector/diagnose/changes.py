"""One way in which an operation differs from its baseline, and how much of its requests it explains."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

# Standard errors to be beyond. For what is listed; the first of the ranking is the same from 1 to 3 of them.
LIKELY: Final = 2.0
# What counts as significant: among some hundred operations compared, one in thirty times by chance.
SIGNIFICANT: Final = 3.5
# For what is listed of a service that has nothing likely: with little data, still where to look first.
UNSURE: Final = 0.5
# Of either window, before an operation is compared at all.
FEWEST_CALLS: Final = 4


class ChangeKind(Enum):
    """What changed; the value is what the API says."""

    LATENCY = "latency"
    """The operation's own time."""
    NETWORK = "network"
    """The part of a caller's span that the callee's does not cover: network or queueing towards the callee."""
    ERRORS = "errors"
    """Failures that start here."""
    MISSING_CALLS = "missing_calls"
    """It no longer calls what it used to call."""
    UNANSWERED = "unanswered"
    """Its calls of another service no longer arrive there."""
    NEW_CALLS = "new_calls"
    """It calls what it did not call, or did less often."""


@dataclass(frozen=True, slots=True)
class Change:
    """Services and operations are numbers of ComparedSpans, -1 for none."""

    kind: ChangeKind
    service: int
    """Held responsible; of NETWORK and UNANSWERED that is not the service of the operation."""
    operation: int
    score: float
    """0 to 1: the share of the affected requests' time, or of the calls, that changed for sure."""
    calls: int
    usual_calls: int
    value: float
    """Mean nanoseconds, or the share of the calls that failed or made the call."""
    usual_value: float
    caller: int = -1
    """Of NETWORK: the service that waits."""
    callee: int = -1
    """Of NETWORK: the service it waits for."""
    child: int = -1
    """Of MISSING_CALLS, UNANSWERED and NEW_CALLS: the operation that is called."""
    given: int = -1
    """Of those: among the calls that also call this operation."""
    extra_ns: float = 0.0
    """Over all calls of the window."""
    median: float = 0.0
    usual_median: float = 0.0
    example_row: int = -1
    """A span of the window that shows it."""
