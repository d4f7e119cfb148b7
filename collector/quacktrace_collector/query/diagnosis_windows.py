"""Which two ranges of time a diagnosis compares, and how many of their traces it reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from quacktrace_collector.query.timestamps import EARLIEST_NS, LATEST_NS, clamp_time
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

FEWEST_TRACES: Final = 20
"""Of either range, or nothing is sure."""
# From here on more time before adds older days rather than sureness.
_ENOUGH_TRACES: Final = 300
_DAY_NS: Final = 86_400_000_000_000
# Two ranges of 200,000 take 1.3 s of CPU, and more spans make nothing surer.
_MOST_SPANS: Final = 150_000


@dataclass(frozen=True, slots=True)
class BaselineRange:
    """What is compared with."""

    range: TimeRange
    chosen: str
    """given, before or after."""


def choose_baseline(store: Store, window: TimeRange, *, from_ns: int | None, to_ns: int | None) -> BaselineRange:
    """The range asked for; else as long a range before the window, longer until it has 300 traces; else after it.

    A baseline of which only one end is given reaches as far as the window is long.
    """
    length = max(window.to_ns - window.from_ns, 1)
    if from_ns is not None:
        return BaselineRange(TimeRange(from_ns, clamp_time(from_ns + length) if to_ns is None else to_ns), "given")
    if to_ns is not None:
        return BaselineRange(TimeRange(clamp_time(to_ns - length), to_ns), "given")
    before = window
    for before in _before(window, length):
        found = _traces(store, before)
        if found >= _ENOUGH_TRACES:
            return BaselineRange(before, "before")
    after = TimeRange(window.to_ns, LATEST_NS)
    if found < FEWEST_TRACES and _traces(store, after) > found:
        return BaselineRange(_narrowed(store, after), "after")
    return BaselineRange(_narrowed(store, before), "before")


def one_trace_in(store: Store, window: TimeRange) -> int:
    """1 to read every trace; n to read every nth, by the hash of its id."""
    minutes = Window(window.from_ns, window.to_ns, store.data_range()).minutes
    spans = sum(int(table["calls"].to_numpy().sum()) for table in store.rollup_rows("red", minutes))
    return max(-(-spans // _MOST_SPANS), 1)


def _before(window: TimeRange, length: int) -> Iterator[TimeRange]:
    while length < _DAY_NS:
        yield TimeRange(clamp_time(window.from_ns - length), window.from_ns)
        length *= 4
    yield TimeRange(EARLIEST_NS, window.from_ns)


def _traces(store: Store, range_: TimeRange) -> int:
    return sum(table.num_rows for table in store.trace_rows(_narrowed(store, range_)))


def _narrowed(store: Store, range_: TimeRange) -> TimeRange:
    return Window(range_.from_ns, range_.to_ns, store.data_range()).narrowed
