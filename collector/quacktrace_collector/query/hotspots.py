"""What fails and what is slow: over time by service, as a latency heatmap, and ranked by operation."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from quacktrace_collector.query.buckets import Buckets, buckets
from quacktrace_collector.query.hotspot_counts import Counts, count_calls
from quacktrace_collector.query.rollup_sums import Sums, sum_by
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.histogram import (
    LOWEST,
    WIDTH,
    Integers,
    middle_ns,
    quantiles_ns,
    upper_bound_ns,
)

# Three buckets of the rollup's histogram a bin: bounds 30 % apart, fine enough to see two humps.
_BUCKETS_PER_BIN: Final = 3
_MOST_RANKED: Final = 200
# Buckets below a minute are counted from spans, 1.5 µs CPU each; with more spans than this, minutes have to do.
_MOST_COUNTED_SPANS: Final = 100_000
# The time lost is reckoned for this many, those with the most errors and those with the most time.
_MOST_CANDIDATES: Final = 1_000


def hotspots(store: Store, window: Window, *, most_buckets: int, service: str | None) -> dict[str, Any]:
    """The answer of `/hotspots`, without its range."""
    cut = buckets(window, most=most_buckets)
    if not cut.are_whole_minutes and _calls(store, window) > _MOST_COUNTED_SPANS:
        cut = buckets(window, most=most_buckets, shortest_s=60)
    counts = count_calls(store, window, cut, service=service)
    entries = counts.where(counts.is_current & (counts.frame.numbers["is_entry"] != 0))
    return {
        "bucket_s": cut.length_ns / 1e9,
        "times": cut.times,
        "errors": _errors(entries, cut),
        "latency": _latency(entries, cut),
        "ranked": _ranked(counts, cut),
    }


def _calls(store: Store, window: Window) -> int:
    return int(store.rollup_frame("red", window.minutes).numbers["calls"].sum())


def _errors(entries: Counts, cut: Buckets) -> dict[str, Any]:
    services = entries.frame.texts["service_name"]
    calls, errors = (
        _by_bucket(services.codes, entries, name, rows=len(services.values), cut=cut) for name in ("calls", "errors")
    )
    called = [row for row in range(len(services.values)) if calls[row].any()]
    worst_first = sorted(called, key=lambda row: (-errors[row].sum(), -calls[row].sum(), services.values[row]))
    return {
        "services": [services.values[row] for row in worst_first],
        "calls": calls[worst_first],
        "errors": errors[worst_first],
    }


def _latency(entries: Counts, cut: Buckets) -> dict[str, Any]:
    durations = entries.frame.entries
    bins = WIDTH // _BUCKETS_PER_BIN + 1
    counts = np.zeros((bins, cut.count), dtype=np.int64)
    if durations is not None:
        rows = (durations.bucket.astype(np.int64) - LOWEST) // _BUCKETS_PER_BIN
        np.add.at(counts, (rows, entries.bucket[durations.row]), durations.count)
    np.maximum(counts, 0, out=counts)
    filled = np.flatnonzero(counts.any(axis=1))
    first, last = (int(filled[0]), int(filled[-1])) if len(filled) else (0, 0)
    last_buckets = np.arange(first, last + 1) * _BUCKETS_PER_BIN + _BUCKETS_PER_BIN - 1 + LOWEST
    bounds_ms = [float(f"{bound / 1e6:.4g}") for bound in upper_bound_ns(last_buckets).tolist()]
    return {"bounds_ms": bounds_ms, "counts": counts[first : last + 1]}


def _ranked(counts: Counts, cut: Buckets) -> list[dict[str, Any]]:
    sums = sum_by(counts.frame, ["service_name", "name", "kind"])
    current = {name: _total(sums, counts, name, current=True) for name in ("calls", "errors", "duration_sum_ns")}
    previous = {name: _total(sums, counts, name, current=False) for name in ("calls", "errors")}
    called = np.flatnonzero(current["calls"])
    most = [called[np.argsort(-current[name][called], kind="stable")] for name in ("errors", "duration_sum_ns")]
    chosen = np.unique(np.concatenate([rows[:_MOST_CANDIDATES] for rows in most]))
    now = sums.histograms(chosen, counts.is_current)
    before = sums.histograms(chosen, ~counts.is_current)
    now_ns, before_ns = quantiles_ns(now, (0.5, 0.95)), quantiles_ns(before, (0.5, 0.95))
    had_calls = previous["calls"][chosen] > 0
    lost_ns = _time_lost_ns(now, np.where(had_calls, before_ns[:, 0], now_ns[:, 0]))
    worst_first = np.lexsort((-lost_ns, -current["errors"][chosen]))[:_MOST_RANKED]
    group_rows = chosen[worst_first]
    series = _error_series(sums, counts, group_rows, cut)
    examples = _examples(sums, counts, group_rows)
    return [
        {
            "service_name": service,
            "operation": name,
            "kind": kind,
            "calls": int(current["calls"][group]),
            "errors": int(current["errors"][group]),
            "error_rate": float(current["errors"][group] / current["calls"][group]),
            "p50_ms": float(now_ns[row, 0] / 1e6),
            "p95_ms": float(now_ns[row, 1] / 1e6),
            "previous_calls": int(previous["calls"][group]),
            "previous_errors": int(previous["errors"][group]),
            "previous_p95_ms": float(before_ns[row, 1] / 1e6) if had_calls[row] else None,
            "time_lost_ms": float(lost_ns[row] / 1e6),
            "error_series": series[position],
            "example_trace_id": examples[position],
        }
        for position, (row, group, service, name, kind) in enumerate(
            zip(
                worst_first.tolist(),
                group_rows.tolist(),
                *(sums.texts(text, group_rows) for text in ("service_name", "name", "kind")),
                strict=True,
            )
        )
    ]


def _by_bucket(codes: Integers, counts: Counts, name: str, *, rows: int, cut: Buckets) -> Integers:
    cells = np.zeros((rows, cut.count), dtype=np.int64)
    np.add.at(cells, (codes, counts.bucket), counts.frame.numbers[name])
    return np.maximum(cells, 0)


def _total(sums: Sums, counts: Counts, name: str, *, current: bool) -> Integers:
    rows = counts.is_current == current
    totals = np.zeros(len(sums.groups), dtype=np.int64)
    np.add.at(totals, sums.groups.of_row[rows], counts.frame.numbers[name][rows])
    return np.maximum(totals, 0)


def _time_lost_ns(histograms: Integers, usual_ns: Any) -> Any:
    """Sum over the calls of the time above what is usual."""
    middles = middle_ns(np.arange(WIDTH) + LOWEST)
    return (histograms * np.maximum(middles[None, :] - usual_ns[:, None], 0)).sum(axis=1)


def _error_series(sums: Sums, counts: Counts, chosen: Integers, cut: Buckets) -> Integers:
    position = np.full(len(sums.groups), -1, dtype=np.int64)
    position[chosen] = np.arange(len(chosen))
    place = position[sums.groups.of_row]
    kept = counts.is_current & (place >= 0)
    return _by_bucket(place[kept], counts.where(kept), "errors", rows=len(chosen), cut=cut)


def _examples(sums: Sums, counts: Counts, chosen: Integers) -> list[str | None]:
    """A trace with the longest failing call, else with the longest."""
    scores = np.where(counts.is_current, counts.frame.numbers["example_score"], -1)
    best = sums.groups.most(scores)
    rows = sums.groups.rows_with(scores, best)[chosen].tolist()
    return [counts.example_trace_ids[row].as_py() if scores[row] >= 0 else None for row in rows]
