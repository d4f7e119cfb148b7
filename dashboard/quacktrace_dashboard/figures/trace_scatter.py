"""Traces as dots, time against duration: where the slow and the failed ones cluster, and how they started."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from quacktrace_dashboard.formatting import format_duration_ns, parse_time
from quacktrace_dashboard.page import Viewer

__all__ = ["trace_scatter"]

# Both are at least 3:1 on the light and on the dark surface, so the figure needs no second version for the theme.
_OK_COLOUR = "#4a86c8"
_ERROR_COLOUR = "#e5533d"
_DAY_MS = 86_400_000
_TICKS_NS = tuple(10**power for power in range(3, 13))


def trace_scatter(traces: Sequence[Mapping[str, Any]], *, from_ms: int, to_ms: int, viewer: Viewer) -> dict[str, Any]:
    """Return a Plotly figure; a dot's custom data is its trace id and its label, with markup taken out of names."""
    failed = [trace for trace in traces if trace["error_count"]]
    fine = [trace for trace in traces if not trace["error_count"]]
    return {
        "data": [
            _dots("Without errors", fine, viewer, {"color": _OK_COLOUR, "symbol": "circle", "size": 7, "opacity": 0.7}),
            _dots("With errors", failed, viewer, {"color": _ERROR_COLOUR, "symbol": "x", "size": 8, "opacity": 0.9}),
        ],
        "layout": {
            "height": 150,
            "margin": {"l": 58, "r": 14, "t": 10, "b": 24},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "showlegend": False,
            "hovermode": "closest",
            "hoverlabel": {"align": "left"},
            "dragmode": "select",
            "uirevision": "traces",
            "font": {"size": 11},
            "xaxis": {
                "type": "date",
                "range": [_local(from_ms / 1000, viewer), _local(to_ms / 1000, viewer)],
                "nticks": 8,
                "tickformat": "%H:%M" if to_ms - from_ms <= 2 * _DAY_MS else "%e %b",
            },
            "yaxis": {
                "type": "log",
                "tickvals": list(_TICKS_NS),
                "ticktext": [format_duration_ns(tick) for tick in _TICKS_NS],
                "range": _duration_range(traces),
            },
        },
    }


def _dots(name: str, traces: Sequence[Mapping[str, Any]], viewer: Viewer, marker: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [_local(parse_time(trace["start_time"]).timestamp(), viewer) for trace in traces],
        "y": [max(trace["duration_ns"], 1) for trace in traces],
        "customdata": [[trace["trace_id"], _label(trace)] for trace in traces],
        "hovertemplate": "%{customdata[1]}<extra></extra>",
        "marker": marker,
        "cliponaxis": False,
    }


def _local(timestamp_s: float, viewer: Viewer) -> str:
    """Plotly knows no zones: it gets the time as the viewer's clock shows it."""
    return datetime.fromtimestamp(timestamp_s, viewer.zone).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _label(trace: Mapping[str, Any]) -> str:
    # Plotly reads a few tags in text, so names are escaped and cut.
    root = f"{trace['root_service_name'] or 'unknown'} · {trace['root_name'] or 'root span missing'}"
    errors = f" · {trace['error_count']} errors" if trace["error_count"] else ""
    return (
        f"{html.escape(root[:80])}<br>{format_duration_ns(trace['duration_ns'])} · {trace['span_count']} spans{errors}"
    )


def _duration_range(traces: Sequence[Mapping[str, Any]]) -> list[float]:
    """The decades that hold every dot, with room for half a dot around them."""
    digits = [len(str(max(trace["duration_ns"], 1))) for trace in traces] or [6, 9]
    return [min(digits) - 1.2, max(digits) + 0.2]
