"""Failures by what they have in common: service, exception type, message without its variable parts, and place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quacktrace_collector.query.buckets import Buckets, buckets
from quacktrace_collector.query.propagation import Roots, entry_points, roots_of
from quacktrace_collector.query.stack_frames import application_frame
from quacktrace_collector.query.timestamps import format_time
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.error_rows import ErrorRows

_SERIES_BUCKETS: Final = 40
_MOST_PLACES: Final = 100
"""Versions and instances named with a group."""
_MOST_SAMPLES: Final = 5

Integers = npt.NDArray[np.int64]
Key = tuple[str, str, str, str | None]


@dataclass(frozen=True, slots=True)
class _Groups:
    """Groups in the order in which they are answered, and the rows of each."""

    keys: list[Key]
    rows: list[Integers]


def error_groups(store: Store, window: Window, *, service: str | None, limit: int) -> list[dict[str, Any]]:
    """The largest groups of failures whose origin starts in the window; the example is the newest one.

    A group keeps its id for as long as its service, type, message and place stay the same.
    """
    cut = buckets(window, most=_SERIES_BUCKETS)
    failed = store.error_rows(window.reach)
    narrowed = window.narrowed
    wanted = failed.are_origins() & (failed.start_ns >= narrowed.from_ns) & (failed.start_ns < narrowed.to_ns)
    if service is not None:
        is_of_service = np.array([key[0] == service for key in failed.keys], np.bool_)
        wanted &= is_of_service[failed.key]
    origins = failed.at(np.flatnonzero(wanted))
    groups = _largest(origins, limit)
    if not groups.keys:
        return []
    traces, trace = np.unique(origins.traces, return_inverse=True)
    roots = roots_of(store, window, traces)
    return [
        _answer(key, origins.at(rows), trace[rows], cut, roots)
        for key, rows in zip(groups.keys, groups.rows, strict=True)
    ]


def _largest(origins: ErrorRows, limit: int) -> _Groups:
    """Stacks that differ only in their libraries or callers end in the same place."""
    numbers: dict[Key, int] = {}
    used = np.unique(origins.key)
    group_of = np.zeros(len(origins.keys), np.int64)
    for number in used.tolist():
        service_name, exception_type, message, frames = origins.keys[number]
        key = (service_name, exception_type, message, _frame(frames) if frames else None)
        group_of[number] = numbers.setdefault(key, len(numbers))
    if not numbers:
        return _Groups([], [])
    keys = list(numbers)
    group = group_of[origins.key]
    order = np.argsort(group, kind="stable")
    counts = np.bincount(group, minlength=len(keys))
    starts = np.concatenate([[0], np.cumsum(counts)])
    last_ns = np.maximum.reduceat(origins.start_ns[order], starts[:-1]).tolist()
    count = counts.tolist()
    best = sorted(range(len(keys)), key=lambda number: (-count[number], -last_ns[number], repr(keys[number])))[:limit]
    return _Groups([keys[number] for number in best], [order[starts[one] : starts[one + 1]] for one in best])


@lru_cache(maxsize=4096)
def _frame(frames: str) -> str | None:
    return application_frame(frames)


def _answer(key: Key, rows: ErrorRows, trace: Integers, cut: Buckets, roots: Roots) -> dict[str, Any]:
    samples = _samples(rows, trace)
    newest = samples[0]
    traces = np.unique(trace)
    calls = np.bincount(rows.place, minlength=len(rows.places))
    operations: dict[str, int] = {}
    versions: set[str] = set()
    instances: set[str] = set()
    for number in np.flatnonzero(calls).tolist():
        operation, version, instance = rows.places[number]
        operations[operation] = operations.get(operation, 0) + int(calls[number])
        versions.add(version)
        instances.add(instance)
    series = np.bincount((rows.start_ns - cut.origin_ns) // cut.length_ns, minlength=cut.count)
    return {
        "group_id": hashlib.blake2b(repr(key).encode("utf-8", "replace"), digest_size=8).hexdigest(),
        "service_name": key[0],
        "operation": max(sorted(operations), key=operations.__getitem__),
        "exception_type": key[1],
        "message": key[2],
        "frame": key[3],
        "count": len(rows),
        "traces": len(traces),
        "first_seen": format_time(int(rows.start_ns.min())),
        "last_seen": format_time(int(rows.start_ns[newest])),
        "series": series.tolist(),
        "versions": sorted(versions - {""})[:_MOST_PLACES],
        "instances": sorted(instances - {""})[:_MOST_PLACES],
        "entry_points": entry_points(roots, traces),
        "example_trace_id": _trace_id(rows, newest),
        "example_span_id": f"{int(rows.span_id[newest]):016x}",
        "samples": [
            {
                "trace_id": _trace_id(rows, row),
                "span_id": f"{int(rows.span_id[row]):016x}",
                "time": format_time(int(rows.start_ns[row])),
            }
            for row in samples
        ],
    }


def _samples(rows: ErrorRows, trace: Integers) -> list[int]:
    """Rows of the newest traces of a group, the newest first; of each trace its newest failure."""
    newest_first = np.argsort(-rows.start_ns, kind="stable")
    _, first = np.unique(trace[newest_first], return_index=True)
    return [int(row) for row in newest_first[np.sort(first)[:_MOST_SAMPLES]]]


def _trace_id(rows: ErrorRows, row: int) -> str:
    return f"{int(rows.trace_high[row]):016x}{int(rows.trace_low[row]):016x}"
