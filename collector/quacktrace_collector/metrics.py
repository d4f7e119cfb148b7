"""Counters, gauges and summaries of the collector, rendered as Prometheus text."""

from __future__ import annotations

import threading
from collections.abc import Callable

_Key = tuple[str, tuple[tuple[str, str], ...]]


class Metrics:
    """Thread-safe; a counter exists from its first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[_Key, float] = {}
        self._gauges: dict[str, Callable[[], float]] = {}

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
        lines: list[str] = []
        previous = ""
        for (name, labels), value in counters:
            if name != previous:
                lines.append(f"# TYPE {name} counter")
                previous = name
            rendered = ",".join(f'{key}="{_escape(text)}"' for key, text in labels)
            lines.append(f"{name}{{{rendered}}} {value:g}" if rendered else f"{name} {value:.17g}")
        for name, read in sorted(self._gauges.items()):
            lines += [f"# TYPE {name} gauge", f"{name} {read():.17g}"]
        return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
