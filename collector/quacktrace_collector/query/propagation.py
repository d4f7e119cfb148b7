"""Which entry points a failure broke: the roots of the traces that hold it, read from the trace index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollup_traces import merge_traces

_MOST_ENTRY_POINTS: Final = 10

Root = tuple[str, str, bool]


def roots_of(store: Store, window: Window, trace_ids: Iterable[str]) -> dict[str, Root]:
    """Service and name of each trace's root and whether it failed; a trace without a root is not in the answer."""
    ids = pa.array(sorted(set(trace_ids)), pa.string())
    if not len(ids):
        return {}
    tables = [table.filter(pc.is_in(table["trace_id"], value_set=ids)) for table in store.trace_rows(window.reach)]
    traces = merge_traces(tables)
    names = ("trace_id", "root_service_name", "root_name", "root_status_code", "root_span_id")
    rows = zip(*(traces[name].to_pylist() for name in names), strict=True)
    return {
        trace_id: (service, name, status == "ERROR")
        for trace_id, service, name, status, root_span_id in rows
        if root_span_id
    }


def entry_points(roots: Mapping[str, Root], trace_ids: Iterable[str]) -> list[dict[str, Any]]:
    """The roots of these traces, most traces first: `failed` of them ended in an error, the others survived."""
    traces: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    for trace_id in trace_ids:
        if trace_id in roots:
            service, name, has_failed = roots[trace_id]
            traces[service, name] += 1
            failed[service, name] += has_failed
    most_first: Sequence[tuple[str, str]] = sorted(traces, key=lambda root: (-traces[root], root))
    return [
        {"service_name": service, "operation": name, "traces": traces[service, name], "failed": failed[service, name]}
        for service, name in most_first[:_MOST_ENTRY_POINTS]
    ]
