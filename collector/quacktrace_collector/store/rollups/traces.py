"""The trace index: one row per trace and part, and how rows of several parts become one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from quacktrace_collector.decode.arrow_views import rows_of_elements
from quacktrace_collector.schema import TIMESTAMP
from quacktrace_collector.store.rollups.frame import TEXT, Groups, Texts, compute, group_rows, map_of, numbers_array
from quacktrace_collector.store.rollups.histogram import Integers
from quacktrace_collector.store.seen import trace_keys

_COLUMNS: Final[list[tuple[str, pa.DataType]]] = [
    ("trace_id", pa.string()),
    ("start_time", TIMESTAMP),
    ("end_time", TIMESTAMP),
    ("root_start_time", TIMESTAMP),
    ("root_span_id", pa.string()),
    ("root_service_name", TEXT),
    ("root_name", TEXT),
    ("root_status_code", TEXT),
    ("root_duration_ns", pa.int64()),
    ("span_count", pa.int64()),
    ("error_count", pa.int64()),
    ("missing_parents", pa.int64()),
    ("services", pa.map_(pa.string(), pa.int64())),
]
TRACES: Final = pa.schema(_COLUMNS)
"""One row per trace in each part that has spans of it, in order of start. `root_span_id` is '' and the rest of the root
means nothing where no span of the part lacks a parent. A part in which missing parents arrive takes them off."""

_ROOT_COLUMNS: Final = ("root_span_id", "root_service_name", "root_name", "root_status_code", "root_duration_ns")
_SUMS: Final = ("span_count", "error_count", "missing_parents")


def trace_rows(spans: pa.Table, service: Texts, *, missing: Integers, arrived: Integers) -> pa.Table:
    """TRACES of the spans; rows of `missing` have a parent that is nowhere, each of `arrived` was missed by a child."""
    if not spans.num_rows:
        return TRACES.empty_table()
    spans = spans.select(_NEEDED).combine_chunks()
    groups = group_rows([trace_keys(spans["trace_id"])])
    start, end = (spans[name].cast(pa.int64()).to_numpy() for name in ("start_time", "end_time"))
    first_start = groups.least(start)
    order = np.argsort(first_start, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    trace = rank[groups.of_row]
    is_error = compute.equal(spans["status_code"], "ERROR").to_numpy()
    root = _root_rows(spans, trace, start, traces=len(groups))
    has_root = numbers_array(root >= 0)
    roots = numbers_array(np.maximum(root, 0))
    missing_parents = np.bincount(trace[missing], minlength=len(groups)) - np.bincount(
        trace[arrived], minlength=len(groups)
    )
    text = [compute.if_else(has_root, spans[name].take(roots), "") for name in ("span_id", "name", "status_code")]
    counts = np.ones(len(trace), np.int64)
    return pa.table(
        {
            "trace_id": spans["trace_id"].take(numbers_array(groups.first[order])),
            "start_time": numbers_array(first_start[order]).cast(TIMESTAMP),
            "end_time": numbers_array(groups.most(np.maximum(end, start))[order]).cast(TIMESTAMP),
            "root_start_time": numbers_array(start[np.maximum(root, 0)]).cast(TIMESTAMP),
            "root_span_id": text[0],
            "root_service_name": Texts(service.codes[np.maximum(root, 0)], service.values).to_arrow(),
            "root_name": text[1].dictionary_encode(),
            "root_status_code": text[2].dictionary_encode(),
            "root_duration_ns": spans["duration_ns"].take(roots),
            "span_count": numbers_array(np.bincount(trace)),
            "error_count": numbers_array(np.bincount(trace[is_error], minlength=len(groups))),
            "missing_parents": numbers_array(missing_parents),
            "services": _service_counts(trace, service, counts, traces=len(groups)),
        },
        schema=TRACES,
    ).combine_chunks()


_NEEDED: Final = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "name",
    "start_time",
    "end_time",
    "duration_ns",
    "status_code",
)


def merge_traces(tables: Sequence[pa.Table]) -> pa.Table:
    """One row a trace, in order of start."""
    tables = [table for table in tables if table.num_rows]
    if not tables:
        return TRACES.empty_table()
    joined = pa.concat_tables(tables).unify_dictionaries().combine_chunks() if len(tables) > 1 else tables[0]
    groups = group_rows([trace_keys(joined["trace_id"])])
    numbers = {
        name: joined[name].cast(pa.int64()).to_numpy() for name in ("start_time", "end_time", "root_start_time", *_SUMS)
    }
    start = groups.least(numbers["start_time"])
    order = np.argsort(start, kind="stable")
    if len(groups) == joined.num_rows:
        return joined if len(tables) == 1 else joined.take(numbers_array(groups.first[order]))
    root = numbers_array(_earliest_roots(joined, groups, numbers["root_start_time"])[order])
    return pa.table(
        {
            "trace_id": joined["trace_id"].take(numbers_array(groups.first[order])),
            "start_time": numbers_array(start[order]).cast(TIMESTAMP),
            "end_time": numbers_array(groups.most(numbers["end_time"])[order]).cast(TIMESTAMP),
            **{name: joined[name].take(root) for name in ("root_start_time", *_ROOT_COLUMNS)},
            **{name: numbers_array(groups.sums(numbers[name])[order]) for name in _SUMS},
            "services": _merged_services(joined["services"], groups, order),
        },
        schema=TRACES,
    ).combine_chunks()


def _root_rows(spans: pa.Table, trace: Integers, start: Integers, *, traces: int) -> Integers:
    """For each trace the row of its earliest span without a parent, -1 for none."""
    rootless = np.full(traces, -1, np.int64)
    rows = np.flatnonzero(compute.is_null(spans["parent_span_id"]).to_numpy())
    ranks = _ranks(spans["span_id"].take(numbers_array(rows)))
    earliest_last = np.lexsort((ranks, start[rows]))[::-1]
    # Of several assignments to one element the last one stays.
    rootless[trace[rows[earliest_last]]] = rows[earliest_last]
    return rootless


def _earliest_roots(traces: pa.Table, groups: Groups, root_start: Integers) -> Integers:
    """For each group the row with the earliest root; any where none has one."""
    is_rootless = compute.equal(traces["root_span_id"], "").to_numpy()
    best_first = np.lexsort((_ranks(traces["root_span_id"]), root_start, is_rootless, groups.of_row))
    rows: Integers = best_first[groups.starts]
    return rows


def _ranks(texts: pa.ChunkedArray[Any]) -> Integers:
    ranks = np.empty(len(texts), np.int64)
    ranks[compute.sort_indices(texts).to_numpy()] = np.arange(len(texts))
    return ranks


def _merged_services(services: Any, groups: Groups, order: Integers) -> Any:
    maps = map_of(services)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    trace = rank[groups.of_row][rows_of_elements(maps.offsets)]
    return _service_counts(trace, Texts.of(maps.keys), maps.items.to_numpy(), traces=len(order))


def _service_counts(trace: Integers, services: Texts, counts: Integers, *, traces: int) -> Any:
    """A MAP of service to count for each trace; `trace`, `services` and `counts` go row by row."""
    by_service = group_rows([trace, services.codes])
    first = by_service.first
    offsets = np.searchsorted(trace[first], np.arange(traces + 1)).astype(np.int32)
    names: Any = pa.array(services.values, pa.string()).take(numbers_array(services.codes[first]))
    maps: Any = pa.MapArray
    return maps.from_arrays(numbers_array(offsets), names, numbers_array(by_service.sums(counts)))
