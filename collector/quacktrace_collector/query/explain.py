"""Why one trace was slow or failed, against the usual traces of its own root operation."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from quacktrace_collector.diagnose.path_costs import Operation, PathIndex, SpanColumns, path_costs
from quacktrace_collector.diagnose.trace_difference import Part, split_difference
from quacktrace_collector.diagnose.trace_tree import build_tree
from quacktrace_collector.query.baseline import FEWEST, Baseline, find_baseline, load_usual_spans
from quacktrace_collector.query.explanation import explain_in_words
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import format_time
from quacktrace_collector.query.trace_spans import TraceSpans, load_trace_spans
from quacktrace_collector.query.waterfall import main_root
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

_MOST_PARTS: Final = 30
_MOST_SPAN_IDS: Final = 20
# Slower than nineteen of twenty, and by enough that a person would notice.
_SLOW_SHARE: Final = 0.95
_SLOW_FACTOR: Final = 1.25


def explain(store: Store, trace_id: str) -> dict[str, Any]:
    """The answer of `/explain`; raises NotFoundError for a trace that is not stored."""
    spans = load_trace_spans(store, trace_id)
    columns = _columns(spans)
    root = main_root(spans, build_tree(spans.parent, spans.start_ns))
    operation = columns.operations[root]
    duration_ns = int(spans.duration_ns[root])
    failures = _failures(store, trace_id, spans)
    baseline = None
    if spans.is_root[root]:
        baseline = find_baseline(store, trace_id, operation, before_ns=int(spans.start_ns[root]))
    parts: list[dict[str, Any]] = []
    is_slow = False
    if baseline is not None:
        parts = _parts(store, spans, columns, root, baseline)
        is_slow = (
            baseline.share_below(duration_ns) >= _SLOW_SHARE and duration_ns >= baseline.quantile_ns(0.5) * _SLOW_FACTOR
        )
    answer: dict[str, Any] = {
        "trace_id": trace_id,
        "service_name": operation.service_name,
        "operation": operation.name,
        "kind": operation.kind,
        "duration_ms": duration_ns / 1e6,
        "baseline": None if baseline is None else _baseline(baseline, duration_ns),
        "no_baseline_because": _why_none(spans, root) if baseline is None else None,
        "is_slow": is_slow,
        "is_failed": bool(failures),
        "difference_ms": sum(part["extra_ms"] for part in parts) if parts else None,
        "parts": parts,
        "failures": failures,
    }
    return {**answer, "sentence": explain_in_words(answer)}


def _columns(spans: TraceSpans) -> SpanColumns:
    coded = zip(spans.service.codes.tolist(), spans.name.codes.tolist(), spans.kind.codes.tolist(), strict=True)
    return SpanColumns(
        parent=spans.parent,
        start_ns=spans.start_ns,
        end_ns=spans.end_ns,
        operations=[
            Operation(spans.service.values[service], spans.name.values[name], spans.kind.values[kind])
            for service, name, kind in coded
        ],
    )


def _parts(
    store: Store, spans: TraceSpans, columns: SpanColumns, root: int, baseline: Baseline
) -> list[dict[str, Any]]:
    index = PathIndex()
    (costs,) = path_costs(columns, [root], index)
    usual_spans, usual_roots = load_usual_spans(store, baseline)
    split = split_difference(costs, path_costs(usual_spans, usual_roots, index))
    parts = [_part(part, index, spans, columns) for part in split[:_MOST_PARTS]]
    rest = split[_MOST_PARTS:]
    if rest:
        parts.append(_rest(rest))
    return parts


def _part(part: Part, index: PathIndex, spans: TraceSpans, columns: SpanColumns) -> dict[str, Any]:
    path = index.path(part.place)
    return {
        "service_name": path[-1].service_name,
        "operation": path[-1].name,
        "kind": path[-1].kind,
        "path": [f"{step.service_name}: {step.name}" for step in path[-50:]],
        "waits_for": _callee(part, columns),
        **_costs([part]),
        "span_ids": [spans.span_ids[row].as_py() for row in part.rows[:_MOST_SPAN_IDS]],
    }


def _callee(part: Part, columns: SpanColumns) -> str | None:
    """The service that these spans call: time of theirs that it does not cover is network or queueing towards it."""
    if not part.rows or columns.operations[part.rows[0]].kind not in ("CLIENT", "PRODUCER"):
        return None
    caller = columns.operations[part.rows[0]].service_name
    children = np.flatnonzero(columns.parent == part.rows[0]).tolist()
    callees = (columns.operations[child].service_name for child in children)
    return next((callee for callee in callees if callee != caller), None)


def _rest(parts: list[Part]) -> dict[str, Any]:
    return {
        "service_name": None,
        "operation": f"{len(parts):,} other places",
        "kind": None,
        "path": [],
        "waits_for": None,
        **_costs(parts),
        "span_ids": [],
    }


def _costs(parts: list[Part]) -> dict[str, float]:
    return {
        "critical_ms": sum(part.critical_ns for part in parts) / 1e6,
        "usual_critical_ms": sum(part.usual_critical_ns for part in parts) / 1e6,
        "extra_ms": sum(part.extra_ns for part in parts) / 1e6,
        "calls": sum(part.calls for part in parts),
        "usual_calls": sum(part.usual_calls for part in parts),
    }


def _failures(store: Store, trace_id: str, spans: TraceSpans) -> list[dict[str, Any]]:
    """Spans that failed although none of their children did, the last first."""
    if "ERROR" not in spans.status.values:
        return []
    first, last = int(spans.start_ns.min()), int(spans.start_ns.max()) + 1
    failures: list[dict[str, Any]] = store.query(
        Query.EXPLAIN_FAILURES.sql,
        {"trace_ids": [trace_id], "reach_from_ns": first, "reach_to_ns": last},
        time_range=TimeRange(first, last),
    ).to_pylist()
    return failures


def _baseline(baseline: Baseline, duration_ns: int) -> dict[str, Any]:
    return {
        "traces": len(baseline.durations_ns),
        "p50_ms": baseline.quantile_ns(0.5) / 1e6,
        "p95_ms": baseline.quantile_ns(0.95) / 1e6,
        "from": format_time(baseline.look_back.from_ns),
        "to": format_time(baseline.look_back.to_ns),
        "slower_than": baseline.share_below(duration_ns),
    }


def _why_none(spans: TraceSpans, root: int) -> str:
    if not spans.is_root[root]:
        return "the trace has no root span to compare by"
    return f"fewer than {FEWEST} other traces of this operation in the seven days before it"
