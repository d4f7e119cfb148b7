"""Query parameters of the API, typed; a wrong one is a 400 that names it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar, overload

from quacktrace_collector.errors import BadRequestError
from quacktrace_collector.query.durations import parse_duration
from quacktrace_collector.query.timestamps import clamp_time, parse_time
from quacktrace_collector.time_range import TimeRange

_DEFAULT_RANGE_NS: Final = 3_600_000_000_000
_LONGEST_TEXT: Final = 4_000

Parameters = Mapping[str, str]
_Name = TypeVar("_Name", bound=str)


def time_range(parameters: Parameters, *, default_from_ns: int | None = None) -> TimeRange:
    """`from` and `to`; without `to` until now, without `from` the hour before, unless told another default."""
    to_ns = moment(parameters, "to")
    if to_ns is None:
        to_ns = time.time_ns()
    from_ns = moment(parameters, "from")
    if from_ns is None:
        from_ns = clamp_time(to_ns - _DEFAULT_RANGE_NS) if default_from_ns is None else default_from_ns
    if from_ns > to_ns:
        raise BadRequestError("from is later than to", hint="swap them")
    return TimeRange(from_ns, to_ns)


def moment(parameters: Parameters, name: str) -> int | None:
    """Nanoseconds since the epoch of RFC 3339 or of integer milliseconds."""
    value = parameters.get(name)
    if not value:
        return None
    try:
        return parse_time(value)
    except ValueError as error:
        raise BadRequestError(f"{name}: {error}", hint="2026-11-22T23:24:02Z or 1795388400000") from error


def text(parameters: Parameters, name: str) -> str | None:
    """None where the parameter is absent or empty."""
    value = parameters.get(name) or None
    if value is not None and ("\0" in value or len(value) > _LONGEST_TEXT):
        raise BadRequestError(f"{name} has a NUL character or is longer than {_LONGEST_TEXT}", hint=f"shorten {name}")
    return value


def required_text(parameters: Parameters, name: str) -> str:
    """BadRequestError where it is absent or empty."""
    value = text(parameters, name)
    if value is None:
        raise BadRequestError(f"{name} is missing", hint=f"add ?{name}=…")
    return value


def integer(parameters: Parameters, name: str, *, default: int, most: int) -> int:
    """Between 1 and `most`; more than that is an error, so that nobody takes a part for the whole."""
    value = parameters.get(name)
    if not value:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= most):
        raise BadRequestError(f"{name} is {value[:40]!r}", hint=f"a whole number from 1 to {most}")
    return int(value)


@overload
def choice(parameters: Parameters, name: str, allowed: Sequence[_Name]) -> _Name | None: ...
@overload
def choice(parameters: Parameters, name: str, allowed: Sequence[_Name], *, default: _Name) -> _Name: ...
def choice(
    parameters: Parameters, name: str, allowed: Sequence[_Name], *, default: _Name | None = None
) -> _Name | None:
    """One of `allowed`, in any case."""
    value = parameters.get(name)
    if not value:
        return default
    for name_allowed in allowed:
        if value.lower() == name_allowed:
            return name_allowed
    raise BadRequestError(f"{name} is {value[:40]!r}", hint=f"one of {', '.join(allowed)}")


def duration_ns(parameters: Parameters, name: str) -> int | None:
    """A duration with its unit."""
    value = parameters.get(name)
    if not value:
        return None
    try:
        return parse_duration(value)
    except ValueError as error:
        raise BadRequestError(f"{name}: {error}", hint=f"for instance {name}=200ms") from error
