"""Which entry points a failure broke: the roots of the traces that hold it, read from the trace index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.store.id_numbers import Numbers

_MOST_ENTRY_POINTS: Final = 10

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Roots:
    """For each trace the number of its root, -1 without one; a root is a service, a name and whether it failed."""

    of_trace: Integers
    roots: list[tuple[str, str, bool]]


def roots_of(store: Store, window: Window, traces: Numbers) -> Roots:
    """Of the traces with these distinct numbers."""
    index = store.trace_frame(window.reach).of_traces(traces)
    of_trace = np.full(len(traces), -1, np.int64)
    rows = index.rows_with_root()
    # The earliest root of a trace that arrived in parts: of several assignments to one element the last one stays.
    rows = rows[np.lexsort((index.root_span_id[rows], index.root_start_ns[rows]))[::-1]]
    order = np.argsort(traces)
    of_trace[order[np.searchsorted(traces[order], index.trace[rows])]] = index.root[rows]
    return Roots(of_trace, index.roots)


def entry_points(roots: Roots, traces: Integers) -> list[dict[str, Any]]:
    """The roots of these traces, most traces first: `failed` of them ended in an error, the others survived."""
    root = roots.of_trace[traces]
    counts = np.bincount(root[root >= 0], minlength=len(roots.roots))
    total: dict[tuple[str, str], int] = {}
    failed: dict[tuple[str, str], int] = {}
    for number in np.flatnonzero(counts).tolist():
        service, name, has_failed = roots.roots[number]
        count = int(counts[number])
        total[service, name] = total.get((service, name), 0) + count
        failed[service, name] = failed.get((service, name), 0) + (count if has_failed else 0)
    most_first = sorted(total, key=lambda one: (-total[one], one))
    return [
        {"service_name": service, "operation": name, "traces": total[service, name], "failed": failed[service, name]}
        for service, name in most_first[:_MOST_ENTRY_POINTS]
    ]
