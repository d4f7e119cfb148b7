"""Time cut into equal buckets of a round length, so that a sliding range does not make every bucket flicker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from quacktrace_collector.query.timestamps import format_times
from quacktrace_collector.query.window import MINUTE_NS, Window

_SECOND_NS: Final = 1_000_000_000
_DAY_S: Final = 86_400
# Sums over each are kept for the segments that are asked for.
_GRAIN_MINUTES: Final = (60, 30, 10, 5, 1)
_ROUND_S: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(minutes * 60 for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * 3600 for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY_S for days in (1, 2, 7, 14, 30, 90, 365)),
)
# Up to a day the axis is what was asked for, however little of it has data; beyond that it is where data is.
_LONGEST_AS_ASKED_NS: Final = _DAY_S * _SECOND_NS


@dataclass(frozen=True, slots=True)
class Buckets:
    """`count` buckets of `length_ns`, the first of which starts at `origin_ns`."""

    origin_ns: int
    length_ns: int
    count: int

    @property
    def times(self) -> list[str]:
        """Start of each bucket."""
        return format_times(self.origin_ns + np.arange(self.count, dtype=np.int64) * self.length_ns)

    @property
    def are_whole_minutes(self) -> bool:
        """True if rollups, which count by the minute, can fill them."""
        return self.origin_ns % MINUTE_NS == 0 and self.length_ns % MINUTE_NS == 0

    @property
    def grain_ns(self) -> int:
        """The longest time by which rollups can be read to fill whole minutes' buckets."""
        grains = (minutes * MINUTE_NS for minutes in _GRAIN_MINUTES)
        return next(grain for grain in grains if self.origin_ns % grain == 0 and self.length_ns % grain == 0)


def buckets(window: Window, *, most: int, shortest_s: int = 1) -> Buckets:
    """At most `most` buckets over the window; a single one is the window's minutes."""
    from_ns, to_ns = window.from_ns, window.to_ns
    if to_ns - from_ns > _LONGEST_AS_ASKED_NS:
        from_ns, to_ns = window.narrowed.from_ns, window.narrowed.to_ns
    if most > 1:
        for seconds in (seconds for seconds in _ROUND_S if seconds >= shortest_s):
            cut = _aligned(from_ns, to_ns, seconds * _SECOND_NS)
            if cut.count <= most:
                return cut
    minutes = _aligned(from_ns, to_ns, MINUTE_NS)
    return Buckets(minutes.origin_ns, -(-minutes.count // most) * MINUTE_NS, most)


def _aligned(from_ns: int, to_ns: int, length_ns: int) -> Buckets:
    origin_ns = from_ns // length_ns * length_ns
    return Buckets(origin_ns, length_ns, max(-(-(to_ns - origin_ns) // length_ns), 1))
