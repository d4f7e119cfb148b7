"""What the Plotly figures have in common: escaped names, time axes in the viewer's zone, a frame without decoration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta, tzinfo
from typing import Any

from quacktrace_dashboard.formatting import parse_time

__all__ = ["bucket_edges", "escape_markup", "frame", "time_axis"]

LABEL_LENGTH = 22


def escape_markup(name: str) -> str:
    """Plotly reads a subset of HTML in every text; telemetry must not write it."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short_label(name: str) -> str:
    """A name that fits beside an axis, escaped."""
    return escape_markup(name if len(name) <= LABEL_LENGTH else f"{name[: LABEL_LENGTH - 1]}…")


def bucket_edges(times: Sequence[str], bucket_s: float, zone: tzinfo) -> list[str]:
    """The edges of the buckets as Plotly wants a local time: without an offset."""
    if not times:
        return []
    starts = [parse_time(text) for text in times]
    ends = [*starts, starts[-1] + timedelta(seconds=bucket_s)]
    return [moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S.%f") for moment in ends]


def time_axis() -> dict[str, Any]:
    return {
        "type": "date",
        "showgrid": False,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "rgba(127,137,151,0.5)",
        "nticks": 7,
        "tickformatstops": [
            {"dtickrange": [None, 60_000], "value": "%H:%M:%S"},
            {"dtickrange": [60_000, 86_400_000], "value": "%H:%M\n%-d %b"},
            {"dtickrange": [86_400_000, None], "value": "%-d %b\n%Y"},
        ],
        "fixedrange": True,
    }


def frame(*, revision: str, left: int) -> dict[str, Any]:
    """The layout of every figure; the same revision keeps a selection while live data comes in."""
    return {
        "margin": {"l": left, "r": 18, "t": 6, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 11},
        "showlegend": False,
        "uirevision": revision,
        "selectionrevision": revision,
        "hoverlabel": {"align": "left"},
    }
