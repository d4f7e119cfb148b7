"""The URL is the state: a pure codec between a page's query string and what the page shows.

Every page shares the time range (`r=6h`, or `from`/`to` in milliseconds); every other parameter belongs to the page and
rides along untouched. Nothing here raises: a mangled link shows the default range rather than an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode

__all__ = ["DEFAULT_RANGE", "RANGE_CHOICES", "TimeRange", "ViewState"]

RANGE_CHOICES = ("15m", "1h", "6h", "24h", "7d")

_RELATIVE = re.compile(r"([1-9][0-9]{0,3})([mhd])", re.ASCII)
_MILLISECONDS = re.compile(r"[0-9]{1,15}", re.ASCII)
_UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_RANGE_KEYS = frozenset({"r", "from", "to"})


@dataclass(frozen=True)
class TimeRange:
    """Either the last so-and-so much (`relative`), or a fixed half-open interval in milliseconds since the epoch."""

    relative: str = "1h"
    from_ms: int | None = None
    to_ms: int | None = None

    @property
    def is_absolute(self) -> bool:
        return self.from_ms is not None and self.to_ms is not None

    def resolve(self, now_ms: int) -> tuple[int, int]:
        """Return the interval in milliseconds as seen at `now_ms`."""
        if self.from_ms is not None and self.to_ms is not None:
            return self.from_ms, self.to_ms
        match = _RELATIVE.fullmatch(self.relative)
        length_ms = int(match[1]) * _UNIT_MS[match[2]] if match else _UNIT_MS["h"]
        return now_ms - length_ms, now_ms


DEFAULT_RANGE = TimeRange()


@dataclass(frozen=True)
class ViewState:
    """What a link says: the time range, and the page's own parameters in the order of the link."""

    time_range: TimeRange = DEFAULT_RANGE
    params: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_search(cls, search: str | None) -> ViewState:
        """Read a query string, with or without its question mark; the last of repeated parameters counts."""
        pairs = dict(parse_qsl((search or "").removeprefix("?"), keep_blank_values=False, errors="replace"))
        return cls(_parse_range(pairs), {key: value for key, value in pairs.items() if key not in _RANGE_KEYS})

    def to_search(self) -> str:
        """Write the query string, with its question mark, or nothing at all for the default view."""
        pairs: list[tuple[str, str]] = []
        if self.time_range.from_ms is not None and self.time_range.to_ms is not None:
            pairs += [("from", str(self.time_range.from_ms)), ("to", str(self.time_range.to_ms))]
        elif self.time_range.relative != DEFAULT_RANGE.relative:
            pairs.append(("r", self.time_range.relative))
        pairs += [(key, value) for key, value in self.params.items() if value]
        return f"?{urlencode(pairs)}" if pairs else ""

    def get(self, name: str) -> str | None:
        return self.params.get(name) or None

    def with_params(self, **changes: str | None) -> ViewState:
        """Return this state with parameters set, or removed where the value is None."""
        params = {**self.params, **changes}
        return replace(self, params={key: value for key, value in params.items() if value is not None})

    def with_range(self, from_ms: int, to_ms: int) -> ViewState:
        return replace(self, time_range=TimeRange(from_ms=from_ms, to_ms=to_ms))

    def only_range(self) -> ViewState:
        """Return the time range alone, which is what follows a reader from page to page."""
        return replace(self, params={})


def _parse_range(pairs: Mapping[str, str]) -> TimeRange:
    start, end = pairs.get("from", ""), pairs.get("to", "")
    if _MILLISECONDS.fullmatch(start) and _MILLISECONDS.fullmatch(end) and int(start) < int(end):
        return TimeRange(from_ms=int(start), to_ms=int(end))
    relative = pairs.get("r", "")
    return TimeRange(relative=relative) if _RELATIVE.fullmatch(relative) else DEFAULT_RANGE
