"""Percentiles out of the latency histogram that the hotspots answer carries."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["histogram_percentile", "percentile_series"]


def histogram_percentile(bounds_ms: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """The value below which `share` of the counts lie, interpolated inside its bin on the logarithmic scale."""
    total = sum(counts)
    if not total:
        return None
    wanted, passed = share * total, 0.0
    for i, (bound, count) in enumerate(zip(bounds_ms, counts, strict=True)):
        if count and passed + count >= wanted:
            lower = bounds_ms[i - 1] if i else bound / 2
            return float(lower * (bound / lower) ** ((wanted - passed) / count))
        passed += count
    return float(bounds_ms[-1])


def percentile_series(bounds_ms: Sequence[float], counts: Sequence[Sequence[int]], share: float) -> list[float]:
    """The percentile of every bucket; 0 where there were no calls."""
    columns = zip(*counts, strict=True)
    return [histogram_percentile(bounds_ms, column, share) or 0.0 for column in columns]
