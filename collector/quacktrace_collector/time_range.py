"""A half-open range of time in nanoseconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimeRange:
    """`[from_ns, to_ns)`, nanoseconds since the epoch, both within int64."""

    from_ns: int
    to_ns: int

    def overlaps(self, first_ns: int, last_ns: int) -> bool:
        """True if anything between `first_ns` and `last_ns`, both inclusive, may lie in the range."""
        return first_ns < self.to_ns and last_ns >= self.from_ns
