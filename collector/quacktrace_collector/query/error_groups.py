"""Failures by what they have in common: service, exception type, message without its variable parts, and place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from quacktrace_collector.query.buckets import Buckets, buckets
from quacktrace_collector.query.propagation import Root, entry_points, roots_of
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.stack_frames import application_frame
from quacktrace_collector.query.timestamps import format_time
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store

_SERIES_BUCKETS: Final = 40
_MOST_PLACES: Final = 100
"""Versions and instances named with a group."""

Key = tuple[str, str, str, str | None]


@dataclass(slots=True)
class _Group:
    key: Key
    series: list[int]
    count: int = 0
    trace_ids: set[str] = field(default_factory=set)
    operations: dict[str, int] = field(default_factory=dict)
    versions: set[str] = field(default_factory=set)
    instances: set[str] = field(default_factory=set)
    first_ns: int = 0
    last_ns: int = 0
    example_trace_id: str = ""
    example_span_id: str = ""

    def add(self, row: dict[str, Any]) -> None:
        self.first_ns = min(self.first_ns, row["first_ns"]) if self.count else row["first_ns"]
        if not self.count or row["last_ns"] > self.last_ns:
            self.last_ns = row["last_ns"]
            self.example_trace_id, self.example_span_id = row["example_trace_id"], row["example_span_id"]
        self.count += row["count"]
        self.trace_ids.update(row["trace_ids"])
        self.versions.update(row["versions"])
        self.instances.update(row["instances"])
        self.operations[row["operation"]] = self.operations.get(row["operation"], 0) + row["count"]
        for bucket, count in row["buckets"]:
            self.series[bucket] += count

    def answer(self, roots: Mapping[str, Root]) -> dict[str, Any]:
        service_name, exception_type, message, frame = self.key
        return {
            "group_id": hashlib.blake2b(repr(self.key).encode("utf-8", "replace"), digest_size=8).hexdigest(),
            "service_name": service_name,
            "operation": max(sorted(self.operations), key=self.operations.__getitem__),
            "exception_type": exception_type,
            "message": message,
            "frame": frame,
            "count": self.count,
            "traces": len(self.trace_ids),
            "first_seen": format_time(self.first_ns),
            "last_seen": format_time(self.last_ns),
            "series": self.series,
            "versions": sorted(self.versions - {""})[:_MOST_PLACES],
            "instances": sorted(self.instances - {""})[:_MOST_PLACES],
            "entry_points": entry_points(roots, self.trace_ids),
            "example_trace_id": self.example_trace_id,
            "example_span_id": self.example_span_id,
        }


def error_groups(store: Store, window: Window, *, service: str | None, limit: int) -> list[dict[str, Any]]:
    """The largest groups of failures whose origin starts in the window; the example is the newest one.

    A group keeps its id for as long as its service, type, message and place stay the same.
    """
    cut = buckets(window, most=_SERIES_BUCKETS)
    table = store.query(
        Query.ERROR_GROUPS.sql,
        {
            **window.pairing_parameters(),
            "origin_ns": cut.origin_ns,
            "bucket_ns": cut.length_ns,
            "service": service,
        },
        time_range=window.reach,
    )
    groups = sorted(_merge(table.to_pylist(), cut), key=lambda group: (-group.count, -group.last_ns, repr(group.key)))
    roots = roots_of(store, window, chain.from_iterable(group.trace_ids for group in groups[:limit]))
    return [group.answer(roots) for group in groups[:limit]]


def _merge(rows: list[dict[str, Any]], cut: Buckets) -> list[_Group]:
    """Stacks that differ only in their libraries or callers end in the same place."""
    groups: dict[Key, _Group] = {}
    for row in rows:
        frame = application_frame(row["frames"]) if row["frames"] else None
        key = (row["service_name"], row["exception_type"], row["message"], frame)
        if key not in groups:
            groups[key] = _Group(key, [0] * cut.count)
        groups[key].add(row)
    return list(groups.values())
