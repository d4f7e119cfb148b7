"""Error rate of every service over time: where it fails, since when, and whether it is spreading."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from quacktrace_dashboard.figures.axes import bucket_edges, escape_markup, frame, short_label, time_axis

__all__ = ["error_heatmap"]

MAX_SERVICES = 20
COLOUR_CAP = 0.4
"""One service that fails completely must not make a failure of 10% invisible."""

# Translucent, so that one scale is right on white and on the dark surface. No calls at all is a hole, not a zero.
_SCALE = [
    [0.0, "rgba(127,137,151,0.13)"],
    [0.0005, "rgba(236,104,70,0.22)"],
    [0.25, "rgba(232,84,48,0.55)"],
    [1.0, "rgba(205,44,10,1)"],
]


def error_heatmap(hotspots: Mapping[str, Any], zone: tzinfo) -> dict[str, Any]:
    """A Plotly figure of the worst services, the worst on top; a row is at y = its index in the answer."""
    errors = hotspots["errors"]
    services = errors["services"][:MAX_SERVICES]
    rates: list[list[float | None]] = []
    details: list[list[list[Any]]] = []
    for name, calls, failed in zip(services, errors["calls"], errors["errors"], strict=False):
        rates.append([bad / total if total else None for bad, total in zip(failed, calls, strict=True)])
        details.append([[escape_markup(name), bad, total] for bad, total in zip(failed, calls, strict=True)])
    trace = {
        "type": "heatmap",
        "x": bucket_edges(hotspots["times"], hotspots["bucket_s"], zone),
        "y": list(range(len(services))),
        "z": rates,
        "customdata": details,
        "zmin": 0,
        "zmax": COLOUR_CAP,
        "colorscale": _SCALE,
        "showscale": False,
        "xgap": 1,
        "ygap": 2,
        "hoverongaps": False,
        "hovertemplate": "<b>%{customdata[0]}</b>  %{x|%H:%M:%S}<br>"
        "%{customdata[1]} of %{customdata[2]} calls failed (%{z:.1%})<extra></extra>",
    }
    layout = {
        **frame(revision="errors", left=150),
        "xaxis": time_axis(),
        "yaxis": {
            "tickvals": list(range(len(services))),
            "ticktext": [short_label(name) for name in services],
            "autorange": "reversed",
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
        "hovermode": "closest",
        "dragmode": False,
    }
    return {"data": [trace], "layout": layout}
