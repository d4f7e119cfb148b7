"""The first and last of the times seen so far."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


class TimeBounds:
    """Nanoseconds since the epoch, inclusive; both None until a time was seen."""

    def __init__(self) -> None:
        self.first_ns: int | None = None
        self.last_ns: int | None = None

    def include(self, times: pa.ChunkedArray[Any]) -> None:
        """Widen to a column of timestamps in nanoseconds."""
        bounds = pc.min_max(times.cast(pa.int64()))
        first, last = bounds["min"].as_py(), bounds["max"].as_py()
        if first is None:
            return
        self.first_ns = first if self.first_ns is None else min(self.first_ns, first)
        self.last_ns = last if self.last_ns is None else max(self.last_ns, last)
