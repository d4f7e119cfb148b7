"""Nanoseconds since the epoch as text and back: RFC 3339 in UTC with nine digits."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

# DuckDB keeps the very ends of int64 for ±infinity.
EARLIEST_NS: Final = -9_223_372_036_000_000_000
LATEST_NS: Final = 9_223_372_036_000_000_000

# A `+` that was not percent-encoded arrives as a space, so a space is taken for one.
_RFC_3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?)?(?:[Zz]|([-+ ])(\d\d):?(\d\d))?", re.ASCII
)


def format_time(time_ns: int) -> str:
    """`2026-11-22T23:24:02.123456789Z`."""
    return str(np.datetime_as_string(np.datetime64(time_ns, "ns"), unit="ns")) + "Z"


def format_times(times_ns: npt.NDArray[np.int64]) -> list[str]:
    """`format_time` of each."""
    return [text + "Z" for text in np.datetime_as_string(times_ns.astype("datetime64[ns]"), unit="ns").tolist()]


def parse_time(text: str) -> int:
    """RFC 3339 (no offset means UTC) or integer milliseconds since the epoch; ValueError otherwise.

    Times that nanoseconds in 64 bits cannot hold become the nearest that they can.
    """
    text = text.strip()
    if re.fullmatch(r"[-+]?\d{1,30}", text, re.ASCII):
        return clamp_time(int(text) * 1_000_000)
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:60]!r} is neither RFC 3339 nor integer milliseconds since the epoch")
    day, clock, fraction, sign, hours, minutes = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock or '00:00:00'}").replace(tzinfo=UTC)
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC) + (offset if sign == "-" else -offset)
    seconds = elapsed.days * 86_400 + elapsed.seconds
    return clamp_time(seconds * 1_000_000_000 + int((fraction or "").ljust(9, "0")))


def clamp_time(time_ns: int) -> int:
    """The nearest time that the store can compare with."""
    return max(EARLIEST_NS, min(LATEST_NS, time_ns))
