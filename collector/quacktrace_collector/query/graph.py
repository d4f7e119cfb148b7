"""The service graph: services, what they call, and what can only be inferred from the calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from quacktrace_collector.query.red import P50_P95
from quacktrace_collector.query.rollup_sums import sum_by
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.frame import Frame

_INFERRED: Final = ("database", "messaging", "external")
_NO_CALLS: Final = {"calls": 0, "errors": 0, "p50_ms": None, "p95_ms": None}


def graph(store: Store, window: Window) -> dict[str, list[dict[str, Any]]]:
    """Nodes and edges of the window's minutes; an inferred node named like a service is that service's node."""
    instances = store.rollup_frame("instances", window.minutes)
    services = sorted(set(instances.texts_of("service_name", instances.first_rows("service_name"))))
    calls = store.rollup_frame("edges", window.minutes)
    nodes = {name: {"id": name, "kind": "service", **_NO_CALLS} for name in services}
    for node in _nodes(store.rollup_frame("entries", window.minutes), "service_name"):
        nodes[node["id"]] = node
    types = calls.texts["type"]
    is_inferred = np.array([value in _INFERRED for value in types.values], dtype=np.bool_)
    for node in _nodes(calls.where(is_inferred[types.codes]), "server_service", "type"):
        nodes.setdefault(node["id"], node)
    edges = list(_edges(calls))
    # A caller all of whose own spans began before the window is known from the edge only.
    for edge in edges:
        nodes.setdefault(edge["client_service"], {"id": edge["client_service"], "kind": "service", **_NO_CALLS})
    return {"nodes": list(nodes.values()), "edges": edges}


def _nodes(frame: Frame, name: str, kind: str | None = None) -> Iterator[dict[str, Any]]:
    sums = sum_by(frame, [name, kind] if kind else [name])
    chosen = np.flatnonzero(sums.calls)
    kinds = sums.texts(kind, chosen) if kind else ["service"] * len(chosen)
    reds = sums.red(chosen, P50_P95)
    for (node, node_kind), red in sorted(
        zip(zip(sums.texts(name, chosen), kinds, strict=True), reds, strict=True), key=lambda one: one[0]
    ):
        yield {"id": node, "kind": node_kind, **red}


def _edges(frame: Frame) -> Iterator[dict[str, Any]]:
    keys = ("client_service", "server_service", "type")
    sums = sum_by(frame, keys)
    chosen = np.flatnonzero(sums.calls)
    names = zip(*(sums.texts(key, chosen) for key in keys), strict=True)
    for ends, red in sorted(zip(names, sums.red(chosen, P50_P95), strict=True), key=lambda one: one[0]):
        yield {**dict(zip(keys, ends, strict=True)), **red}
