"""RED per service and per operation."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa

from quacktrace_collector.query.red import P50_P95_P99, rates
from quacktrace_collector.query.rollup_sums import sum_by
from quacktrace_collector.query.timestamps import format_time
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.tables import last_instances

_MOST_OPERATIONS: Final = 5_000


def services(store: Store, window: Window) -> list[dict[str, Any]]:
    """Every service with a span in the window's minutes, by name; its numbers count entry spans."""
    entries = sum_by(store.rollup_frame("entries", window.minutes), ["service_name"])
    every = np.arange(len(entries.groups))
    reds = dict(zip(entries.texts("service_name", every), entries.red(every, P50_P95_P99), strict=True))
    nothing = {"calls": 0, "errors": 0, **{name: None for name, _ in P50_P95_P99}}
    answers = []
    for name, described in sorted(_described(store, window).items()):
        red = reds.get(name, nothing)
        answers.append({"service_name": name, **red, **rates(red, window.seconds), **described})
    return answers


def operations(store: Store, window: Window, *, service: str) -> list[dict[str, Any]]:
    """Every span of the service in the window's minutes, by name and kind, most calls first; at most 5,000 groups."""
    frame = store.rollup_frame("red", window.minutes)
    names = frame.texts["service_name"]
    code = names.values.index(service) if service in names.values else -1
    sums = sum_by(frame.where(names.codes == code), ["name", "kind"])
    called = np.flatnonzero(sums.calls)
    chosen = called[np.argsort(-sums.calls[called], kind="stable")][:_MOST_OPERATIONS]
    answers = [
        {"operation": name, "kind": kind, **red, **rates(red, window.seconds)}
        for name, kind, red in zip(
            sums.texts("name", chosen), sums.texts("kind", chosen), sums.red(chosen, P50_P95_P99), strict=True
        )
    ]
    return sorted(answers, key=lambda one: (-one["calls"], one["operation"], one["kind"]))


def _described(store: Store, window: Window) -> dict[str, dict[str, Any]]:
    """`versions`, `instances` and `last_seen` by service."""
    described: dict[str, dict[str, Any]] = {}
    merged = last_instances(store.rollup_frame("instances", window.minutes), without_minute=True)
    last_ns = merged["last_start_time"].cast(pa.int64()).to_pylist()
    columns = (merged[name].to_pylist() for name in ("service_name", "service_version", "service_instance_id"))
    for name, version, instance, seen_ns in sorted(zip(*columns, last_ns, strict=True)):
        one = described.setdefault(name, {"versions": [], "instances": [], "last_seen": ""})
        for values, value in ((one["versions"], version), (one["instances"], instance)):
            if value and value not in values:
                values.append(value)
        one["last_seen"] = max(one["last_seen"], format_time(seen_ns))
    for one in described.values():
        one["versions"].sort()
        one["instances"].sort()
    return described
