"""The range of time that an answer is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from quacktrace_collector.query.timestamps import clamp_time
from quacktrace_collector.time_range import TimeRange

# A parent may have started this long before its child, an asynchronous child this long after its parent: reads that
# pair spans look this far beyond the range.
PAIRING_REACH_NS: Final = 15 * 60 * 1_000_000_000
MINUTE_NS: Final = 60 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """`[from_ns, to_ns)` as asked for, and the extent of what is stored (None while nothing is)."""

    from_ns: int
    to_ns: int
    extent: TimeRange | None

    def in_whole_minutes(self) -> Window:
        """Widened to whole minutes, which is what rollups count by."""
        return replace(self, from_ns=_floor(self.from_ns), to_ns=_ceil(self.to_ns))

    @property
    def narrowed(self) -> TimeRange:
        """The part of the window that lies within the extent; empty ranges keep their start."""
        if self.extent is None:
            return TimeRange(self.from_ns, self.to_ns)
        from_ns = max(self.from_ns, min(self.extent.from_ns, self.to_ns))
        return TimeRange(from_ns, max(from_ns, min(self.to_ns, self.extent.to_ns)))

    @property
    def minutes(self) -> TimeRange:
        """The whole minutes that the narrowed range touches: what to ask rollups for."""
        narrowed = self.narrowed
        return TimeRange(_floor(narrowed.from_ns), _ceil(narrowed.to_ns))

    @property
    def seconds(self) -> float:
        """Length that rates refer to: that of the narrowed range, at least one second."""
        narrowed = self.narrowed
        return max((narrowed.to_ns - narrowed.from_ns) / 1e9, 1.0)

    @property
    def reach(self) -> TimeRange:
        """The files to read: the narrowed range and what may hold a parent or a child of its spans."""
        narrowed = self.narrowed
        return TimeRange(clamp_time(narrowed.from_ns - PAIRING_REACH_NS), clamp_time(narrowed.to_ns + PAIRING_REACH_NS))

    def parameters(self) -> dict[str, int]:
        """Values of `$from_ns`, `$to_ns`."""
        narrowed = self.narrowed
        return {"from_ns": narrowed.from_ns, "to_ns": narrowed.to_ns}

    def pairing_parameters(self) -> dict[str, int]:
        """Those, `$reach_from_ns` and `$reach_to_ns`."""
        reach = self.reach
        return {**self.parameters(), "reach_from_ns": reach.from_ns, "reach_to_ns": reach.to_ns}


def _floor(time_ns: int) -> int:
    return clamp_time(time_ns // MINUTE_NS * MINUTE_NS)


def _ceil(time_ns: int) -> int:
    return clamp_time(-(-time_ns // MINUTE_NS) * MINUTE_NS)
