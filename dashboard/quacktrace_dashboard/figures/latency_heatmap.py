"""How long entry spans took over time, as counts: shows the second hump that a percentile hides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from quacktrace_dashboard.figures.axes import bucket_edges, frame, time_axis
from quacktrace_dashboard.formatting import format_duration_ms

__all__ = ["latency_heatmap"]

# One hue whose strength is the count: right on white and on the dark surface alike.
_SCALE = [[0.0, "rgba(16,148,162,0.10)"], [1.0, "rgba(16,148,162,1)"]]


def latency_heatmap(
    hotspots: Mapping[str, Any], zone: tzinfo, *, box: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A Plotly figure whose y is the logarithm of milliseconds, cropped to the rows that hold anything.

    `box` has the corners `x0`, `x1`, `y0`, `y1` of a selection.
    """
    bounds, counts = hotspots["latency"]["bounds_ms"], hotspots["latency"]["counts"]
    filled = [row for row, values in enumerate(counts) if any(values)]
    first, last = (filled[0], filled[-1]) if filled else (0, -1)
    rows = range(first, last + 1)
    edges = [_lower_edge(bounds, first), *(math.log10(bounds[row]) for row in rows)] if filled else []
    trace = {
        "type": "heatmap",
        "x": bucket_edges(hotspots["times"], hotspots["bucket_s"], zone),
        "y": edges,
        "z": [[math.log10(1 + count) if count else None for count in counts[row]] for row in rows],
        "customdata": [[[count, _span_text(bounds, row)] for count in counts[row]] for row in rows],
        "colorscale": _SCALE,
        "showscale": False,
        "hoverongaps": False,
        "hovertemplate": "%{customdata[1]}  %{x|%H:%M:%S}<br>%{customdata[0]} calls<extra></extra>",
    }
    layout = {
        **frame(revision="latency", left=58),
        "xaxis": time_axis(),
        "yaxis": {**_decades(edges), "gridcolor": "rgba(127,137,151,0.2)", "zeroline": False, "fixedrange": True},
        "hovermode": "closest",
        "dragmode": "select",
        "newselection": {"mode": "immediate"},
        "selections": [{"type": "rect", "xref": "x", "yref": "y", **box}] if box else [],
        "selectionrevision": str(box),
    }
    return {"data": [trace], "layout": layout}


def _lower_edge(bounds: list[float], row: int) -> float:
    if row:
        return math.log10(bounds[row - 1])
    step = math.log10(bounds[1] / bounds[0]) if len(bounds) > 1 else 0.1
    return math.log10(bounds[0]) - step


def _span_text(bounds: list[float], row: int) -> str:
    below = format_duration_ms(bounds[row])
    return f"{format_duration_ms(bounds[row - 1])} to {below}" if row else f"up to {below}"


def _decades(edges: list[float]) -> dict[str, Any]:
    """Powers of ten; of a range that holds less than two of them also twice and five times those."""
    if not edges:
        return {}
    low, high = edges[0], edges[-1]
    powers = range(math.floor(low), math.ceil(high) + 1)
    steps = (1, 2, 5) if sum(low <= power <= high for power in powers) < 2 else (1,)
    ticks = [power + math.log10(step) for power in powers for step in steps]
    return {
        "tickvals": ticks,
        "ticktext": [format_duration_ms(10.0**tick) for tick in ticks],
        "range": [low, high],
    }
