"""Rates as people read them, in the unit that keeps them near one."""

from __future__ import annotations

from quacktrace_dashboard.formatting import format_count

_UNITS = (("s", 1.0), ("min", 60.0), ("h", 3600.0), ("day", 86400.0))


def rate_text(calls: float, seconds: float) -> str:
    """Calls over a time as `12/s`, `3.5/min`, `2/h`."""
    if calls <= 0 or seconds <= 0:
        return "0/s"
    for unit, length in _UNITS:
        rate = calls / seconds * length
        if rate >= 0.995:
            return f"{format_count(rate) if rate >= 9.95 else f'{rate:.1f}'.removesuffix('.0')}/{unit}"
    return "<1/day"
