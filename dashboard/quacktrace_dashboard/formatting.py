"""Write durations, counts and times the way people read them; times in the browser's zone.

`assets/shell/00-core.js` formats the same on the browser's side.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = [
    "browser_zone",
    "format_age",
    "format_bytes",
    "format_count",
    "format_datetime",
    "format_duration_ms",
    "format_duration_ns",
    "format_percent",
    "parse_time",
    "to_milliseconds",
]

_ZONE_NAME = re.compile(r"[A-Za-z0-9_+\-]+(?:/[A-Za-z0-9_+\-]+){0,2}", re.ASCII)


def format_duration_ns(duration_ns: float) -> str:
    """Three significant digits with the unit that keeps them short: 830 ns, 12.4 µs, 340 ms, 2.05 s, 3 min 20 s."""
    for limit, divisor, unit in ((999.5, 1, "ns"), (999.5e3, 1e3, "µs"), (999.5e6, 1e6, "ms"), (59.95e9, 1e9, "s")):
        if duration_ns < limit:
            return f"{_three_digits(duration_ns / divisor)} {unit}"
    seconds = round(duration_ns / 1e9)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s" if seconds % 60 else f"{seconds // 60} min"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def format_duration_ms(duration_ms: float | None) -> str:
    return "–" if duration_ms is None else format_duration_ns(duration_ms * 1e6)


def _three_digits(value: float) -> str:
    decimals = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_count(count: float) -> str:
    """Exact with thin separators up to 99,999, then 3 digits: 1,204 · 120k · 3.4M."""
    if count < 100_000:
        return f"{count:,.0f}"
    for limit, divisor, unit in ((999.5e3, 1e3, "k"), (999.5e6, 1e6, "M")):
        if count < limit:
            return f"{_three_digits(count / divisor)}{unit}"
    return f"{_three_digits(count / 1e9)}G"


def format_percent(share: float) -> str:
    """A share of one as a percentage that never rounds something down to nothing."""
    if share <= 0:
        return "0%"
    if share < 0.001:
        return "<0.1%"
    return f"{share * 100:.1f}%" if share < 0.0995 else f"{share * 100:.0f}%"


def format_bytes(size_bytes: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size_bytes < 1023.5:
            return f"{_three_digits(size_bytes)} {unit}"
        size_bytes /= 1024
    return f"{_three_digits(size_bytes)} TiB"


def parse_time(text: str) -> datetime:
    """Read the API's RFC 3339 time; nanoseconds are cut to the microseconds that datetime has."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    return moment + timedelta(microseconds=int(f"{fraction[:6]:0<6}")) if fraction else moment


def to_milliseconds(text: str) -> int:
    return (parse_time(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def format_datetime(moment: datetime, zone: tzinfo) -> str:
    """The whole time with its zone, for tooltips: 2026-11-22 23:24:02.123 UTC."""
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d} {local.tzname() or ''}".rstrip()


def format_age(moment: datetime, *, now: datetime) -> str:
    """How long ago, in one unit: 5 s ago, 3 min ago, 2 d ago."""
    seconds = (now - moment).total_seconds()
    if seconds < 0:
        return "in the future"
    for limit, divisor, unit in ((90, 1, "s"), (5400, 60, "min"), (129_600, 3600, "h"), (63_072_000, 86_400, "d")):
        if seconds < limit:
            return f"{seconds / divisor:.0f} {unit} ago"
    return f"{seconds / 31_536_000:.0f} years ago"


def browser_zone(name: str | None) -> tzinfo:
    """Return the zone a browser named in its cookie; UTC for none, for nonsense, and on hosts without zone data."""
    if not name or not _ZONE_NAME.fullmatch(name):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
