"""What a panel's answer was asked with, and how its range and filters are written in SQL."""

from __future__ import annotations

from dataclasses import dataclass

from quacktrace_collector.api import parameters
from quacktrace_collector.api.trace_ids import parse_span_id, parse_trace_id
from quacktrace_collector.query.window import Window
from quacktrace_collector.sql.literals import text, timestamp

__all__ = ["PanelRequest"]


@dataclass(frozen=True, slots=True)
class PanelRequest:
    """What the panel's answer was asked with: the API's own parameters, and the range they mean."""

    query: parameters.Parameters
    window: Window

    @property
    def minutes(self) -> Window:
        """The range in whole minutes, by which most panels count."""
        return self.window.in_whole_minutes()

    def range(self) -> str:
        """`from, to` of the whole minutes, as a macro takes them."""
        return f"{timestamp(self.minutes.from_ns)}, {timestamp(self.minutes.to_ns)}"

    def range_before(self) -> str:
        """As long a range just before."""
        from_ns, to_ns = self.minutes.from_ns, self.minutes.to_ns
        return f"{timestamp(from_ns - (to_ns - from_ns))}, {timestamp(from_ns)}"

    def bucketed_range(self) -> str:
        """The range and the length of a bucket."""
        seconds = parameters.integer(self.query, "bucket_s", default=60, most=400 * 86_400)
        length = f"interval {seconds // 60} minutes" if seconds % 60 == 0 else f"interval {seconds} seconds"
        return f"{self.range()}, {length}"

    def during(self, column: str) -> str:
        """The exact range as a condition."""
        return f"{column} >= {timestamp(self.window.from_ns)} and {column} < {timestamp(self.window.to_ns)}"

    def service_condition(self, column: str = "service_name") -> str:
        """` and service_name = 'cart'`, or nothing."""
        service = parameters.text(self.query, "service")
        return f" and {column} = {text(service)}" if service else ""

    def trace_id(self) -> str:
        """The trace that was asked for, as a literal."""
        return text(parse_trace_id(parameters.required_text(self.query, "trace_id")))

    def span_id(self) -> str:
        """The span that was asked for, as a literal."""
        return text(parse_span_id(parameters.required_text(self.query, "span_id")))
