"""Log records, each with its trace and span."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from quacktrace_collector.query.attributes import attribute_list
from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.log_attributes import AttributeTerm
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
    conditions = log_conditions(wanted)
    sql = Query.LOGS.sql.replace("{matching}", conditions.sql)
    table = store.query(
        sql.replace("{direction}", "desc" if newest_first else "asc"),
        {"from_ns": time_range.from_ns, "to_ns": time_range.to_ns, "limit": limit + 1, **conditions.parameters},
        time_range=time_range,
        trace_ids=[wanted.trace_id] if wanted.trace_id else (),
    )
    rows = table.to_pylist()
    return FoundLogs([_record(row) for row in rows[:limit]], len(rows) > limit)


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
