"""Durations as people type them: `250us`, `200ms`, `1.5s`, `2m`."""

from __future__ import annotations

import re
from typing import Final

_UNITS_NS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_DURATION: Final = re.compile(r"(\d{1,18}(?:\.\d{1,9})?|\.\d{1,9})\s*(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_LONGEST_NS: Final = 2**62


def parse_duration(text: str) -> int:
    """Nanoseconds; ValueError for anything without a unit, negative or unreadable."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a duration; write it with a unit, like 250us, 200ms, 1.5s or 2m")
    amount, unit = match.groups()
    return min(round(float(amount) * _UNITS_NS[unit]), _LONGEST_NS)
