"""Rate, errors and duration as the API states them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def milliseconds(duration_ns: float | None) -> float | None:
    """None stays None."""
    return None if duration_ns is None else duration_ns / 1e6


def red(row: dict[str, Any], names: Sequence[str] = ("p50_ms", "p95_ms")) -> dict[str, Any]:
    """`calls`, `errors` and the named percentiles of a result row with `calls`, `errors` and `quantiles_ns`."""
    quantiles = row["quantiles_ns"] or [None] * len(names)
    return {
        "calls": row["calls"],
        "errors": row["errors"],
        **{name: milliseconds(value) for name, value in zip(names, quantiles, strict=True)},
    }


def rates(row: dict[str, Any], seconds: float) -> dict[str, float]:
    """`error_rate` and `calls_per_s`."""
    calls = row["calls"]
    return {"error_rate": row["errors"] / calls if calls else 0.0, "calls_per_s": calls / seconds}
