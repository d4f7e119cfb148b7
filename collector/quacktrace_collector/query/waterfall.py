"""A trace as the waterfall draws it: columns in depth-first order; of the attributes the beginning of queries only."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from quacktrace_collector.diagnose.critical_path import critical_path
from quacktrace_collector.diagnose.self_time import self_times
from quacktrace_collector.diagnose.trace_tree import Rows, TraceTree, build_tree, subtree_sizes
from quacktrace_collector.query.trace_context import TraceContext
from quacktrace_collector.query.trace_spans import Coded, Flags, TraceSpans, positions_in

MOST_SPANS: Final = 50_000
MOST_EVENTS_PER_SPAN: Final = 20
MOST_MISSING_NAMED: Final = 1_000

CRITICAL: Final = 1 << 0
ORPHAN: Final = 1 << 1
SKEWED: Final = 1 << 2
HAS_LINKS: Final = 1 << 3
HAS_LOGS: Final = 1 << 4
UNFINISHED: Final = 1 << 5
CYCLE_REPAIRED: Final = 1 << 6

KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUSES: Final = ("UNSET", "OK", "ERROR")


def waterfall(
    trace_id: str, spans: TraceSpans, context: TraceContext, *, most_spans: int = MOST_SPANS
) -> dict[str, Any]:
    """The answer of `/waterfall`; numpy arrays are left for the JSON encoder.

    Spans that nobody could have sent are drawn all the same: a missing parent, a cycle of parents or a clock that is
    off makes a flag and a warning.
    """
    tree = build_tree(spans.parent, spans.start_ns)
    root = main_root(spans, tree)
    kinds, statuses = recode(spans.kind, KINDS), recode(spans.status, STATUSES)
    path = critical_path(tree, spans.start_ns, spans.end_ns, root=root, is_consumer=kinds == KINDS.index("CONSUMER"))
    own_ns = self_times(tree.parent, spans.start_ns, spans.end_ns)
    flags = _flags(spans, context, tree, path.rows)
    rows = _largest(tree, most_spans)
    position = np.full(len(spans), -1, dtype=np.int64)
    position[rows] = np.arange(len(rows))
    t0_ns = int(spans.start_ns.min())
    services, service_codes = _in_order_of_appearance(spans.service, tree.order)
    names, name_codes = _in_order_of_appearance(spans.name, rows)
    scopes, scope_codes = _in_order_of_appearance(spans.scope, rows)
    query_texts, query_text_codes = _in_order_of_appearance(spans.query_text, rows)
    root_row = root if spans.is_root[root] else None
    is_orphan = (flags & ORPHAN) > 0
    return {
        "v": 1,
        "trace_id": trace_id,
        "t0_ns": str(t0_ns),
        "dur": _us(spans.end_ns.max() - t0_ns),
        "n": len(rows),
        "total": len(spans),
        "truncated": len(rows) < len(spans) or spans.is_cut,
        "complete": not is_orphan.any(),
        "root_service_name": None if root_row is None else spans.service.values[spans.service.codes[root_row]],
        "root_name": None if root_row is None else spans.name.values[spans.name.codes[root_row]],
        "root_duration_us": None if root_row is None else _us(spans.duration_ns[root_row]),
        "error_count": int((statuses == STATUSES.index("ERROR")).sum()),
        "services": services,
        "service_self_us": _us(_sum_by(service_codes, own_ns, len(services))),
        "names": names,
        "scopes": scopes,
        "query_texts": query_texts,
        "parent": np.where(tree.parent[rows] >= 0, position[tree.parent[rows]], -1),
        "depth": tree.depth[rows],
        "start": _us(spans.start_ns[rows] - t0_ns),
        "dur_us": _us(spans.duration_ns[rows]),
        "self_us": _us(own_ns[rows]),
        "svc": service_codes[rows],
        "name": name_codes[rows],
        "scope": scope_codes[rows],
        "query_text": query_text_codes[rows],
        "kind": kinds[rows],
        "status": statuses[rows],
        "flags": flags[rows],
        "sid": "".join(map(str, spans.span_ids.take(rows).to_pylist())),
        **_events(spans, context, position, t0_ns),
        "crit": [
            [int(position[row]), _us(from_ns - t0_ns), _us(to_ns - t0_ns)]
            for row, from_ns, to_ns in path.segments
            if position[row] >= 0
        ],
        "missing": _missing_parents(spans, rows, flags),
        "warnings": _warnings(spans, flags, shown=len(rows)),
    }


def main_root(spans: TraceSpans, tree: TraceTree) -> int:
    """Row of the earliest span without a parent; of the longest topmost one where each has a parent that is missing."""
    roots = np.flatnonzero(spans.is_root)
    if len(roots):
        return int(roots[np.argmin(spans.start_ns[roots])])
    topmost = np.flatnonzero(tree.parent < 0)
    return int(topmost[np.argmax(spans.duration_ns[topmost])])


def recode(column: Coded, names: tuple[str, ...]) -> Rows:
    """The column as positions in `names`; 0 for what is not among them."""
    codes = np.array([names.index(value) if value in names else 0 for value in column.values], dtype=np.int64)
    recoded: Rows = codes[column.codes]
    return recoded


def _flags(spans: TraceSpans, context: TraceContext, tree: TraceTree, critical_rows: list[int]) -> Rows:
    flags = np.zeros(len(spans), dtype=np.int64)
    flags[critical_rows] |= CRITICAL
    is_child = tree.parent >= 0
    starts_before_parent = is_child & (spans.start_ns < spans.start_ns[tree.parent])
    has_logs = pc.is_in(spans.span_ids, value_set=context.span_ids_with_logs).to_numpy(zero_copy_only=False)
    marks: tuple[tuple[int, Flags], ...] = (
        (ORPHAN, ~is_child & ~spans.is_root & ~tree.repaired),
        (SKEWED, starts_before_parent),
        (HAS_LINKS, spans.has_links),
        (HAS_LOGS, has_logs),
        (UNFINISHED, spans.is_open),
        (CYCLE_REPAIRED, tree.repaired),
    )
    for flag, mask in marks:
        flags[mask] |= flag
    return flags


def _missing_parents(spans: TraceSpans, rows: Rows, flags: Rows) -> list[list[int | str]]:
    """`[row, id of the parent that is not stored]`: orphans with the same one lost the same span."""
    orphans = np.flatnonzero((flags[rows] & ORPHAN) > 0)[:MOST_MISSING_NAMED]
    ids = spans.parent_span_ids.take(rows[orphans]).to_pylist()
    return [[row, str(span_id)] for row, span_id in zip(orphans.tolist(), ids, strict=True)]


def _largest(tree: TraceTree, most_spans: int) -> Rows:
    """Rows to show, depth first; a parent's subtree is larger than its child's, so none stands alone."""
    if len(tree.order) <= most_spans:
        return tree.order
    sizes = subtree_sizes(tree)[tree.order]
    kept: Rows = tree.order[np.sort(np.argsort(-sizes, kind="stable")[:most_spans])]
    return kept


def _in_order_of_appearance(column: Coded, rows: Rows) -> tuple[list[str], Rows]:
    """The values that `rows` have, first seen first, and every row's position among them."""
    used, first = np.unique(column.codes[rows], return_index=True)
    used = used[np.argsort(first)]
    positions = np.zeros(len(column.values), dtype=np.int64)
    positions[used] = np.arange(len(used))
    return [column.values[code] for code in used], positions[column.codes]


def _sum_by(codes: Rows, values: Rows, count: int) -> Rows:
    totals = np.zeros(count, dtype=np.int64)
    np.add.at(totals, codes, values)
    return totals


def _events(spans: TraceSpans, context: TraceContext, position: Rows, t0_ns: int) -> dict[str, Any]:
    names = sorted(set(context.event_names))
    if not names:
        return {"events": [], "event_names": []}
    codes = {name: code for code, name in enumerate(names)}
    name = np.array([codes[name] for name in context.event_names], dtype=np.int64)
    row = positions_in(spans.span_ids, context.event_span_ids)
    where = np.where(row >= 0, position[row], -1)
    is_exception = name == codes.get("exception", -1)
    by_importance = np.lexsort((context.event_time_ns, ~is_exception, where))
    by_importance = by_importance[where[by_importance] >= 0]
    ordered = where[by_importance]
    rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    kept = by_importance[rank < MOST_EVENTS_PER_SPAN]
    kept = kept[np.lexsort((context.event_time_ns[kept], where[kept]))]
    times = _us(context.event_time_ns[kept] - t0_ns)
    return {
        "events": [
            list(event) for event in zip(where[kept].tolist(), times.tolist(), name[kept].tolist(), strict=True)
        ],
        "event_names": names,
    }


def _us(time_ns: Any) -> Any:
    """Microseconds: whole where all of them are, else with a fraction."""
    if isinstance(time_ns, np.ndarray):
        whole: npt.NDArray[Any] = time_ns // 1000 if not (time_ns % 1000).any() else time_ns / 1000
        return whole
    nanoseconds = int(time_ns)
    return nanoseconds / 1000 if nanoseconds % 1000 else nanoseconds // 1000


def _warnings(spans: TraceSpans, flags: Rows, *, shown: int) -> list[str]:
    counted = (
        (ORPHAN, "whose parent never arrived"),
        (SKEWED, "that start before their parent: clocks differ, shown as sent"),
        (CYCLE_REPAIRED, "that were their own ancestor, shown without parent"),
        (UNFINISHED, "not finished yet"),
    )
    warnings = []
    if shown < len(spans):
        warnings.append(f"the {shown:,} spans of the largest subtrees out of {len(spans):,}")
    for flag, what in counted:
        count = int(((flags & flag) > 0).sum())
        if count:
            warnings.append(f"{count:,} {'span' if count == 1 else 'spans'} {what}")
    if spans.is_cut:
        warnings.append(f"only the first {len(spans):,} spans were read")
    if spans.doubles:
        warnings.append(f"{spans.doubles:,} {'span' if spans.doubles == 1 else 'spans'} sent again, left out")
    return warnings
