"""What fails and what is slow: over time by service, as a latency heatmap, and ranked by operation."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa

from quacktrace_collector.query.buckets import Buckets, buckets
from quacktrace_collector.query.red import milliseconds
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import clamp_time
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

# Eight bins a decade from 10 µs to 1,000 s: a bin's bounds are 33 % apart, fine enough to see two humps.
_FIRST_BOUND_NS: Final = 10_000
_BINS_PER_DECADE: Final = 8
_LAST_BIN: Final = 8 * _BINS_PER_DECADE


def hotspots(store: Store, window: Window, *, most_buckets: int, service: str | None) -> dict[str, Any]:
    """The answer of `/hotspots`, without its range."""
    cut = buckets(window, most=most_buckets)
    counted = store.query(
        Query.HOTSPOTS_BUCKETS.sql,
        {
            **window.pairing_parameters(),
            "origin_ns": cut.origin_ns,
            "bucket_ns": cut.length_ns,
            "first_bound_ns": _FIRST_BOUND_NS,
            "bins_per_decade": _BINS_PER_DECADE,
            "last_bin": _LAST_BIN,
            "service": service,
        },
        time_range=window.reach,
    )
    return {
        "bucket_s": cut.length_ns / 1e9,
        "times": cut.times,
        "errors": _errors(counted, cut),
        "latency": _latency(counted, cut),
        "ranked": _ranked(store, window, cut, service),
    }


def _errors(counted: pa.Table, cut: Buckets) -> dict[str, Any]:
    encoded = counted["service_name"].combine_chunks().dictionary_encode()
    encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
    names = [str(name) for name in encoded.dictionary.to_pylist()]
    calls = np.zeros((len(names), cut.count), dtype=np.int64)
    errors = np.zeros_like(calls)
    cells = encoded.indices.to_numpy(), _column(counted, "bucket")
    np.add.at(calls, cells, _column(counted, "calls"))
    np.add.at(errors, cells, _column(counted, "errors"))
    worst_first = sorted(range(len(names)), key=lambda row: (-errors[row].sum(), -calls[row].sum(), names[row]))
    return {
        "services": [names[row] for row in worst_first],
        "calls": calls[worst_first],
        "errors": errors[worst_first],
    }


def _latency(counted: pa.Table, cut: Buckets) -> dict[str, Any]:
    counts = np.zeros((_LAST_BIN + 1, cut.count), dtype=np.int64)
    np.add.at(counts, (_column(counted, "bin"), _column(counted, "bucket")), _column(counted, "calls"))
    filled = np.flatnonzero(counts.any(axis=1))
    first, last = (int(filled[0]), int(filled[-1])) if len(filled) else (0, 0)
    bounds_ms = [
        float(f"{_FIRST_BOUND_NS / 1e6 * 10 ** (bound / _BINS_PER_DECADE):.4g}") for bound in range(_LAST_BIN + 1)
    ]
    return {"bounds_ms": bounds_ms[first : last + 1], "counts": counts[first : last + 1]}


def _ranked(store: Store, window: Window, cut: Buckets, service: str | None) -> list[dict[str, Any]]:
    previous_from_ns = clamp_time(window.from_ns - (window.to_ns - window.from_ns))
    table = store.query(
        Query.HOTSPOTS_RANKED.sql,
        {
            **window.parameters(),
            "previous_from_ns": previous_from_ns,
            "origin_ns": cut.origin_ns,
            "bucket_ns": cut.length_ns,
            "service": service,
        },
        time_range=TimeRange(previous_from_ns, window.narrowed.to_ns),
    )
    return [_ranked_row(row, cut) for row in table.to_pylist()]


def _ranked_row(row: dict[str, Any], cut: Buckets) -> dict[str, Any]:
    p50_ns, p95_ns = row["quantiles_ns"]
    previous = row["previous_quantiles_ns"]
    error_series = [0] * cut.count
    for bucket, count in row["error_buckets"] or ():
        error_series[bucket] = count
    return {
        "service_name": row["service_name"],
        "operation": row["name"],
        "kind": row["kind"],
        "calls": row["calls"],
        "errors": row["errors"],
        "error_rate": row["errors"] / row["calls"],
        "p50_ms": milliseconds(p50_ns),
        "p95_ms": milliseconds(p95_ns),
        "previous_calls": row["previous_calls"],
        "previous_errors": row["previous_errors"],
        "previous_p95_ms": milliseconds(previous[1]) if previous else None,
        "time_lost_ms": row["time_lost_ms"],
        "error_series": error_series,
        "example_trace_id": row["example_trace_id"],
    }


def _column(table: pa.Table, name: str) -> Any:
    return table[name].to_numpy().astype(np.int64)
