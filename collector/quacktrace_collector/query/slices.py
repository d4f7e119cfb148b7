"""How much of a range to search at a time for its newest rows, or its oldest."""

from __future__ import annotations

from typing import Final

FIRST_NS: Final = 60 * 1_000_000_000
# As much as what was found so far lets expect, and half as much again; by so much at least, and at most.
_MARGIN: Final = 1.5
_LEAST_GROWTH: Final = 3.0
_MOST_GROWTH: Final = 64.0


def next_length(length_ns: int, *, found: int, most: int) -> int:
    """What to search when `length_ns` had `found` of the `most` rows that are wanted."""
    growth = _MARGIN * most / max(found, 0.5)
    return int(length_ns * min(max(growth, _LEAST_GROWTH), _MOST_GROWTH))
