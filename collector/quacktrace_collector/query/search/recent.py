"""The newest part of a range that has enough spans to count in: what is counted stays small however much is stored."""

from __future__ import annotations

from typing import Final

from quacktrace_collector.query.search.sql_files import SearchQuery
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

_FIRST_SLICE_NS: Final = 60 * 1_000_000_000
_SLICE_GROWTH: Final = 6


def recent_range(store: Store, window: Window, *, spans: int) -> TimeRange:
    """The end of the window, as long as it must be to have so many spans; the whole of it when it has fewer."""
    whole = window.narrowed
    length, counted, end_ns = _FIRST_SLICE_NS, 0, whole.to_ns
    while True:
        from_ns = max(whole.from_ns, whole.to_ns - length)
        if from_ns <= whole.from_ns:
            return whole
        table = store.query(
            SearchQuery.RECENT_COUNT.sql(),
            {"from_ns": from_ns, "to_ns": end_ns},
            time_range=TimeRange(from_ns, end_ns),
        )
        counted += table["spans"][0].as_py()
        if counted >= spans:
            return TimeRange(from_ns, whole.to_ns)
        length, end_ns = length * _SLICE_GROWTH, from_ns
