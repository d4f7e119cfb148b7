"""Rate, errors and duration as the API states them."""

from __future__ import annotations

from typing import Any, Final

P50_P95: Final = (("p50_ms", 0.5), ("p95_ms", 0.95))
P50_P95_P99: Final = (*P50_P95, ("p99_ms", 0.99))


def milliseconds(duration_ns: float | None) -> float | None:
    """None stays None."""
    return None if duration_ns is None else duration_ns / 1e6


def rates(red: dict[str, Any], seconds: float) -> dict[str, float]:
    """`error_rate` and `calls_per_s` of something with `calls` and `errors`."""
    calls = red["calls"]
    return {"error_rate": red["errors"] / calls if calls else 0.0, "calls_per_s": calls / seconds}
