"""Log records, each with its trace and span."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from quacktrace_collector.query.attributes import attribute_list
from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.log_attributes import AttributeTerm
from quacktrace_collector.query.slices import FIRST_NS, next_length
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import format_time
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

SEVERITIES: Final = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which records to find; None means any."""

    text: str | None = None
    """In the body, in any case; `*` stands for anything."""
    min_severity_number: int | None = None
    service: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    attributes: tuple[AttributeTerm, ...] = ()
    """All of them; a value of None is any."""


@dataclass(frozen=True, slots=True)
class FoundLogs:
    """Records in the order asked for; `truncated` when there are more."""

    logs: list[dict[str, Any]]
    truncated: bool


def find_logs(
    store: Store, time_range: TimeRange, wanted: LogFilter, *, limit: int, newest_first: bool = True
) -> FoundLogs:
    """Records whose time lies in the range."""
    rows: list[dict[str, Any]] = []
    # Sorting all of a day's records by time takes 0.25 s and 200 MB.
    length = time_range.to_ns - time_range.from_ns if wanted.trace_id else FIRST_NS
    rest = time_range
    while True:
        part, rest = _slice(rest, length, newest_first=newest_first)
        rows += _find(store, part, wanted, most=limit + 1 - len(rows), newest_first=newest_first)
        if len(rows) > limit or rest.from_ns >= rest.to_ns:
            return FoundLogs([_record(row) for row in rows[:limit]], len(rows) > limit)
        searched = (time_range.to_ns - time_range.from_ns) - (rest.to_ns - rest.from_ns)
        length = next_length(searched, found=len(rows), most=limit + 1) - searched


def _slice(whole: TimeRange, length: int, *, newest_first: bool) -> tuple[TimeRange, TimeRange]:
    """So much of one end, and the rest."""
    cut = max(whole.from_ns, whole.to_ns - length) if newest_first else min(whole.to_ns, whole.from_ns + length)
    older, newer = TimeRange(whole.from_ns, cut), TimeRange(cut, whole.to_ns)
    return (newer, older) if newest_first else (older, newer)


def _find(
    store: Store, time_range: TimeRange, wanted: LogFilter, *, most: int, newest_first: bool
) -> list[dict[str, Any]]:
    conditions = log_conditions(wanted)
    sql = Query.LOGS.sql.replace("{matching}", conditions.sql)
    found: list[dict[str, Any]] = store.query(
        sql.replace("{direction}", "desc" if newest_first else "asc"),
        {"from_ns": time_range.from_ns, "to_ns": time_range.to_ns, "limit": most, **conditions.parameters},
        time_range=time_range,
        trace_ids=[wanted.trace_id] if wanted.trace_id else (),
    ).to_pylist()
    return found


def log_conditions(wanted: LogFilter) -> Conditions:
    """What a record has to fulfil."""
    conditions = Conditions()
    if wanted.text:
        conditions.add_contains("body", wanted.text)
    if wanted.min_severity_number is not None:
        conditions.add_at_least("severity_number", wanted.min_severity_number)
    equals = {"service_name": wanted.service, "trace_id": wanted.trace_id, "span_id": wanted.span_id}
    for column, value in equals.items():
        if value is not None:
            conditions.add_equals(column, value)
    for key, attribute in wanted.attributes:
        conditions.add_attribute(key, attribute)
    return conditions


def _record(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "time": format_time(row["time_ns"]),
        "observed_time": None if row["observed_ns"] is None else format_time(row["observed_ns"]),
        "severity_number": row["severity_number"],
        "severity_text": row["severity_text"],
        "body": row["body"],
        "service_name": row["service_name"],
        "trace_id": row["trace_id"],
        "span_id": row["span_id"],
        "event_name": row["event_name"],
        "scope_name": row["scope_name"],
        "attributes": attribute_list(row["attributes"], row["attributes_types"]),
    }
