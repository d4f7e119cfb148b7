"""RED per service and per operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from quacktrace_collector.query.red import P50_P95_P99, rates
from quacktrace_collector.query.rollup_sums import sum_by
from quacktrace_collector.query.timestamps import format_time
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.frame import group_rows

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
    frame = store.rollup_frame("instances", window.minutes)
    keys = ("service_name", "service_version", "service_instance_id")
    groups = group_rows([frame.key(name) for name in keys])
    seen_ns = groups.most(frame.numbers["last_start_time"]).tolist()
    found: dict[str, _Described] = {}
    for name, version, instance, last_ns in zip(
        *(frame.texts_of(name, groups.first) for name in keys), seen_ns, strict=True
    ):
        one = found.setdefault(name, _Described(set(), set(), last_ns))
        one.versions.add(version)
        one.instances.add(instance)
        one.last_ns = max(one.last_ns, last_ns)
    return {
        name: {
            "versions": sorted(one.versions - {""}),
            "instances": sorted(one.instances - {""}),
            "last_seen": format_time(one.last_ns),
        }
        for name, one in found.items()
    }


@dataclass(slots=True)
class _Described:
    versions: set[str]
    instances: set[str]
    last_ns: int
