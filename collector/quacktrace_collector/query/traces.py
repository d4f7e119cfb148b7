"""Finding traces: by the trace index alone, or by one of their spans first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.slices import FIRST_NS, next_length
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import clamp_time, format_time
from quacktrace_collector.query.window import PAIRING_REACH_NS, Window
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.frame import lists_of
from quacktrace_collector.store.rollups.traces import merge_traces
from quacktrace_collector.time_range import TimeRange

Order = Literal["newest", "slowest", "errors", "spans"]
ORDERS: Final[tuple[Order, ...]] = ("newest", "slowest", "errors", "spans")

_SPARE: Final = 100

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Which traces to find."""

    service: str | None = None
    """Some span is of this service."""
    span: Conditions = field(default_factory=Conditions)
    """What one and the same span of the trace has to fulfil."""
    min_duration_ns: int | None = None
    """Of the root where there is one, else of the whole trace."""
    max_duration_ns: int | None = None
    with_error: bool = False
    """Some span has status ERROR."""
    without_error: bool = False
    """No span has."""


@dataclass(frozen=True, slots=True)
class FoundTraces:
    """Summaries in the order asked for; `truncated` when there are more."""

    traces: list[dict[str, Any]]
    truncated: bool


def find_traces(store: Store, window: Window, cases: Sequence[TraceFilter], *, limit: int, order: Order) -> FoundTraces:
    """Traces that start in the window and fulfil one of the cases, which must exclude each other."""
    found = find_trace_rows(store, window, cases, most=limit + 1, order=order)
    return FoundTraces(_summaries(found.slice(0, limit)), found.num_rows > limit)


def find_trace_rows(store: Store, window: Window, cases: Sequence[TraceFilter], *, most: int, order: Order) -> pa.Table:
    """The same as rows of the trace index, up to `most` of them, in order."""
    found = [_find_case(store, window, case, most=most, order=order) for case in cases]
    if len(found) == 1:
        return found[0]
    rows = pa.concat_tables([merge_traces([]), *found]).sort_by("start_time")
    return rows.take(np.argsort(-_sort_key(_numbers_of(rows), order), kind="stable")[:most])


def _find_case(store: Store, window: Window, wanted: TraceFilter, *, most: int, order: Order) -> pa.Table:
    whole = window.narrowed
    # Newest first is asked for most: the end of the range is searched, and more of it only if that is not enough.
    length = FIRST_NS if order == "newest" else whole.to_ns - whole.from_ns
    search = _SpanSearch(store, wanted.span, clamp_time(whole.to_ns + PAIRING_REACH_NS)) if wanted.span else None
    if search is None and wanted.service is None and order != "newest":
        return _best_of_all(store, whole, wanted, order=order, most=most)
    while True:
        part = TimeRange(max(whole.from_ns, whole.to_ns - length), whole.to_ns)
        found = _find_in(store, part, wanted, search, order=order, most=most)
        if found.num_rows >= most or part.from_ns <= whole.from_ns:
            return found
        length = next_length(length, found=found.num_rows, most=most)


def _best_of_all(store: Store, whole: TimeRange, wanted: TraceFilter, *, order: Order, most: int) -> pa.Table:
    """What `_find_in` finds, by numbers: whole rows of the trace index are read of the best alone."""
    reach = TimeRange(whole.from_ns, clamp_time(whole.to_ns + PAIRING_REACH_NS))
    traces = store.trace_frame(reach).merged()
    numbers = _Numbers(traces.start_ns, traces.durations_ns(), traces.span_count, traces.error_count)
    begun = store.trace_frame(TimeRange(clamp_time(whole.from_ns - PAIRING_REACH_NS), whole.from_ns))
    keep = _is_wanted(numbers, wanted) & (traces.start_ns < whole.to_ns)
    keep[traces.rows_of(begun.trace)] = False
    rows = np.flatnonzero(keep)
    best = rows[np.argsort(-_sort_key(numbers, order)[rows], kind="stable")[:most]]
    found = merge_traces(store.trace_rows_of(reach, traces.trace[best]))
    return found.take(np.argsort(-_sort_key(_numbers_of(found), order), kind="stable"))


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Of rows of the trace index."""

    start_ns: npt.NDArray[np.int64]
    duration_ns: npt.NDArray[np.int64]
    span_count: npt.NDArray[np.integer[Any]]
    error_count: npt.NDArray[np.integer[Any]]


def _numbers_of(traces: pa.Table) -> _Numbers:
    return _Numbers(
        _integers(traces, "start_time"),
        trace_durations_ns(traces),
        _integers(traces, "span_count"),
        _integers(traces, "error_count"),
    )


class _SpanSearch:
    """Traces with a span that fulfils the conditions; a longer range is searched only where a shorter one was not."""

    def __init__(self, store: Store, conditions: Conditions, to_ns: int) -> None:
        self._store = store
        self._conditions = conditions
        self._searched_from_ns = to_ns
        self._trace_ids = pa.array([], pa.string())

    def since(self, from_ns: int) -> Any:
        """Ids of the traces that have such a span at or after `from_ns`."""
        part = TimeRange(from_ns, self._searched_from_ns)
        table = self._store.query(
            Query.TRACE_MATCHES.sql.replace("{matching}", self._conditions.sql),
            {"from_ns": part.from_ns, "to_ns": part.to_ns, **self._conditions.parameters},
            time_range=part,
            attribute=self._conditions.attribute,
        )
        self._searched_from_ns = from_ns
        self._trace_ids = pa.concat_arrays([self._trace_ids, _one_array(table["trace_id"])])
        return self._trace_ids


def _find_in(
    store: Store, part: TimeRange, wanted: TraceFilter, search: _SpanSearch | None, *, order: Order, most: int
) -> pa.Table:
    """Rows of the trace index for up to `most` traces that start in the range, in order."""
    tables = store.trace_rows(TimeRange(part.from_ns, clamp_time(part.to_ns + PAIRING_REACH_NS)))
    if search is not None:
        ids = search.since(part.from_ns)
        tables = [table.filter(pc.is_in(table["trace_id"], value_set=ids)) for table in tables]
    traces = merge_traces(tables)
    numbers = _numbers_of(traces)
    keep = _matches(traces, numbers, wanted) & (numbers.start_ns < part.to_ns)
    rows = np.flatnonzero(keep)
    rows = rows[np.argsort(-_sort_key(numbers, order)[rows], kind="stable")]
    while True:
        best = traces.take(rows[: most + _SPARE])
        begun = _begun_before(store, part, best["trace_id"])
        if not len(begun):
            return best.slice(0, most)
        rows = rows[~pc.is_in(traces["trace_id"].take(rows), value_set=begun).to_numpy()]


def _matches(traces: pa.Table, numbers: _Numbers, wanted: TraceFilter) -> Mask:
    keep = _is_wanted(numbers, wanted)
    if wanted.service is not None and traces.num_rows:
        lengths, names, _ = lists_of(traces["services"])
        trace = np.repeat(np.arange(len(lengths)), lengths)
        has_service = np.zeros(traces.num_rows, dtype=np.bool_)
        has_service[trace[pc.is_in(names, value_set=pa.array([wanted.service])).to_numpy(zero_copy_only=False)]] = True
        keep &= has_service
    return keep


def _is_wanted(numbers: _Numbers, wanted: TraceFilter) -> Mask:
    """All that the filter says of the trace, but for its services."""
    keep = np.ones(len(numbers.start_ns), dtype=np.bool_)
    if wanted.min_duration_ns is not None:
        keep &= numbers.duration_ns >= wanted.min_duration_ns
    if wanted.max_duration_ns is not None:
        keep &= numbers.duration_ns <= wanted.max_duration_ns
    if wanted.with_error:
        keep &= numbers.error_count > 0
    if wanted.without_error:
        keep &= numbers.error_count == 0
    return keep


def _begun_before(store: Store, part: TimeRange, trace_ids: Any) -> Any:
    """Those of the traces that have a span before the range: they did not start in it."""
    before = TimeRange(clamp_time(part.from_ns - PAIRING_REACH_NS), part.from_ns)
    ids = _one_array(trace_ids)
    found = [table["trace_id"].filter(pc.is_in(table["trace_id"], value_set=ids)) for table in store.trace_rows(before)]
    return _one_array(pa.chunked_array([chunk for column in found for chunk in column.chunks], pa.string()))


def _sort_key(numbers: _Numbers, order: Order) -> npt.NDArray[np.int64]:
    rows = len(numbers.start_ns)
    match order:
        case "slowest":
            return numbers.duration_ns
        case "errors" | "spans":
            # Ties newest first: rows come in order of start.
            counts = numbers.error_count if order == "errors" else numbers.span_count
            return counts.astype(np.int64) * (rows + 1) + np.arange(rows)
    return numbers.start_ns


def trace_durations_ns(traces: pa.Table) -> npt.NDArray[np.int64]:
    """Of rows of the trace index: the root's where there is one, else the whole trace's."""
    whole = _integers(traces, "end_time") - _integers(traces, "start_time")
    return np.where(_has_root(traces), _integers(traces, "root_duration_ns"), whole)


def _has_root(traces: pa.Table) -> Mask:
    return ~pc.is_in(traces["root_span_id"], value_set=pa.array([""])).to_numpy()


def _integers(traces: pa.Table, name: str) -> npt.NDArray[np.int64]:
    integers: npt.NDArray[np.int64] = traces[name].cast(pa.int64()).to_numpy()
    return integers


def _one_array(column: Any) -> Any:
    return pa.concat_arrays([pa.array([], pa.string()), *column.chunks])


def _summaries(traces: pa.Table) -> list[dict[str, Any]]:
    starts, ends = _integers(traces, "start_time").tolist(), _integers(traces, "end_time").tolist()
    columns = ("trace_id", "root_span_id", "root_service_name", "root_name", "root_duration_ns", "span_count")
    rows = zip(
        starts,
        ends,
        *(traces[name].to_pylist() for name in (*columns, "error_count", "missing_parents", "services")),
        strict=True,
    )
    return [_summary(*row) for row in rows]


def _summary(
    start_ns: int,
    end_ns: int,
    trace_id: str,
    root_span_id: str,
    root_service_name: str,
    root_name: str,
    root_duration_ns: int,
    span_count: int,
    error_count: int,
    missing_parents: int,
    services: Sequence[tuple[str, int]],
) -> dict[str, Any]:
    has_root = root_span_id != ""
    by_count = sorted(services, key=lambda service: (-service[1], service[0]))
    return {
        "trace_id": trace_id,
        "root_service_name": root_service_name if has_root else None,
        "root_name": root_name if has_root else None,
        "start_time": format_time(start_ns),
        "duration_ns": end_ns - start_ns,
        "root_duration_ns": root_duration_ns if has_root else None,
        "span_count": span_count,
        "error_count": error_count,
        "services": [{"service_name": name, "span_count": count} for name, count in by_count],
        "is_complete": missing_parents <= 0,
    }
