"""Counters, gauges, summaries and histograms of the collector, rendered as Prometheus text."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final

_Key = tuple[str, tuple[tuple[str, str], ...]]

BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Upper bounds of every histogram's buckets, in seconds."""


class Metrics:
    """Thread-safe; a counter exists from its first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[_Key, float] = {}
        self._gauges: dict[str, Callable[[], float]] = {}
        self._histograms: dict[str, tuple[list[int], float]] = {}

    def count(self, name: str, value: float = 1, **labels: str) -> None:
        """Add `value` to the counter `name` with these labels."""
        key = (name, tuple(sorted(labels.items())))
        with self._lock:
            self._counters[key] = self._counters.get(key, 0) + value

    def observe(self, name: str, seconds: float) -> None:
        """Add one observation to the summary `name` (its `_sum` and `_count`)."""
        with self._lock:
            for suffix, value in (("_sum", seconds), ("_count", 1)):
                key = (name + suffix, ())
                self._counters[key] = self._counters.get(key, 0) + value

    def observe_in_buckets(self, name: str, seconds: float) -> None:
        """Add one observation to the histogram `name`."""
        with self._lock:
            counts, total = self._histograms.get(name, ([0] * (len(BUCKETS_S) + 1), 0.0))
            counts[bisect_left(BUCKETS_S, seconds)] += 1
            self._histograms[name] = (counts, total + seconds)

    def gauge(self, name: str, read: Callable[[], float]) -> None:
        """Register `read` as the value of the gauge `name` at each scrape."""
        self._gauges[name] = read

    def value(self, name: str, **labels: str) -> float:
        """The counter's value now; 0 if it was never counted."""
        with self._lock:
            return self._counters.get((name, tuple(sorted(labels.items()))), 0)

    def render(self) -> str:
        """All of it as Prometheus text exposition format 0.0.4."""
        with self._lock:
            counters = sorted(self._counters.items())
            histograms = [(name, list(counts), total) for name, (counts, total) in sorted(self._histograms.items())]
        lines: list[str] = []
        previous = ""
        for (name, labels), value in counters:
            if name != previous:
                lines.append(f"# TYPE {name} counter")
                previous = name
            rendered = ",".join(f'{key}="{_escape(text)}"' for key, text in labels)
            lines.append(f"{name}{{{rendered}}} {value:g}" if rendered else f"{name} {value:.17g}")
        for name, counts, total in histograms:
            lines += [f"# TYPE {name} histogram", *_bucket_lines(name, counts), f"{name}_sum {total:.17g}"]
            lines.append(f"{name}_count {sum(counts)}")
        for name, read in sorted(self._gauges.items()):
            lines += [f"# TYPE {name} gauge", f"{name} {read():.17g}"]
        return "\n".join(lines) + "\n"


def _bucket_lines(name: str, counts: list[int]) -> Iterator[str]:
    below = 0
    for bound, count in zip((*(f"{bound:g}" for bound in BUCKETS_S), "+Inf"), counts, strict=True):
        below += count
        yield f'{name}_bucket{{le="{bound}"}} {below}'


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
