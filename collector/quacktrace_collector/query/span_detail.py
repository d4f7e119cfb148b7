"""One span in full, with its log records and what is usual for its operation."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from quacktrace_collector.errors import NotFoundError
from quacktrace_collector.query.attributes import attribute_list
from quacktrace_collector.query.logs import LogFilter, find_logs
from quacktrace_collector.query.red import P50_P95
from quacktrace_collector.query.rollup_sums import sum_by
from quacktrace_collector.query.timestamps import clamp_time, format_time
from quacktrace_collector.query.trace_table import trace_table
from quacktrace_collector.query.window import MINUTE_NS, PAIRING_REACH_NS
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.histogram import LOWEST, upper_bound_ns
from quacktrace_collector.time_range import TimeRange

_STATS_NS: Final = 3_600_000_000_000
_MOST_LOGS: Final = 500
_AS_THEY_ARE: Final = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "trace_state",
    "flags",
    "name",
    "kind",
    "duration_ns",
    "status_code",
    "status_message",
    "service_name",
    "service_namespace",
    "service_version",
    "service_instance_id",
    "deployment_environment",
    "scope_name",
    "scope_version",
    "resource_schema_url",
    "scope_schema_url",
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
)
_COLUMNS: Final = (
    *_AS_THEY_ARE,
    *("start_time", "end_time", "received_at", "attributes", "attributes_types", "resource", "resource_types"),
    *("scope_attributes", "scope_attributes_types", "events", "links", "is_open"),
)


def span_detail(store: Store, trace_id: str, span_id: str) -> dict[str, Any]:
    """Raises NotFoundError when the span is not stored."""
    table = trace_table(store, trace_id, _COLUMNS, span_id=span_id)
    # An ended span beats an open one, then the first arrival.
    rows = table.sort_by([("is_open", "ascending"), ("received_ns", "ascending")]).slice(0, 1).to_pylist()
    if not rows:
        raise NotFoundError(
            f"span {span_id} of trace {trace_id} is not stored", hint="open the trace itself", code="span_not_found"
        )
    (row,) = rows
    return {
        **{name: row[name] for name in _AS_THEY_ARE},
        "start_time": format_time(row["start_ns"]),
        "end_time": format_time(row["end_ns"]),
        "received_at": format_time(row["received_ns"]),
        "attributes": attribute_list(row["attributes"], row["attributes_types"]),
        "resource": attribute_list(row["resource"], row["resource_types"]),
        "scope_attributes": attribute_list(row["scope_attributes"], row["scope_attributes_types"]),
        "events": [_event(event) for event in row["events"] or ()],
        "links": [_link(link) for link in row["links"] or ()],
        "logs": _logs(store, row),
        "operation_stats": _operation_stats(store, row),
    }


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": event["name"],
        "time": format_time(event["time_ns"]),
        "attributes": attribute_list(event["attributes"], event["attributes_types"]),
        "dropped_attributes_count": event["dropped_attributes_count"],
    }


def _link(link: dict[str, Any]) -> dict[str, Any]:
    return {**link, "attributes": attribute_list(link["attributes"], link.pop("attributes_types"))}


def _logs(store: Store, row: dict[str, Any]) -> list[dict[str, Any]]:
    around = TimeRange(
        clamp_time(row["start_ns"] - PAIRING_REACH_NS),
        clamp_time(row["start_ns"] + row["duration_ns"] + PAIRING_REACH_NS),
    )
    wanted = LogFilter(trace_id=row["trace_id"], span_id=row["span_id"])
    return find_logs(store, around, wanted, limit=_MOST_LOGS, newest_first=False).logs


def _operation_stats(store: Store, row: dict[str, Any]) -> dict[str, Any] | None:
    """Of the sixty whole minutes before the span's own; None where there was no such call."""
    minute_ns = row["start_ns"] // MINUTE_NS * MINUTE_NS
    before = TimeRange(clamp_time(minute_ns - _STATS_NS), minute_ns)
    frame = store.rollup_frame("red", before)
    is_same = np.ones(len(frame), dtype=np.bool_)
    for name, value in (("service_name", row["service_name"]), ("name", row["name"])):
        texts = frame.texts[name]
        is_same &= texts.codes == (texts.values.index(value) if value in texts.values else -1)
    sums = sum_by(frame.where(is_same), ["service_name"])
    chosen = np.flatnonzero(sums.calls)
    if not len(chosen):
        return None
    (red,) = sums.red(chosen, P50_P95)
    (counts,) = sums.histograms(chosen)
    used = np.flatnonzero(counts)
    bounds_ms = upper_bound_ns(used + LOWEST) / 1e6
    return {
        **{name: red[name] for name in ("calls", "p50_ms", "p95_ms")},
        "histogram": [list(bar) for bar in zip(bounds_ms.tolist(), counts[used].tolist(), strict=True)],
    }
