"""Traces as rows, each one a link: a click, Enter and a middle click all open it, with no callback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.formatting import format_clock, format_count, format_datetime, format_duration_ns, parse_time
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.page import Viewer
from quacktrace_dashboard.palette import service_colour
from quacktrace_dashboard.state import ViewState

__all__ = ["service_chip", "trace_rows"]

_MAX_CHIPS = 6


def trace_rows(
    traces: Sequence[Mapping[str, Any]], *, state: ViewState, viewer: Viewer, slots: Mapping[str, int]
) -> Component:
    """Return the rows under their headings; bars are relative to the slowest trace among them."""
    longest_ns = max((_shown_duration_ns(trace) for trace in traces), default=1) or 1
    headings = ("Start", "Trace", "Duration", "Spans", "Errors", "Services")
    return html.Div(
        [
            html.Div([html.Span(heading) for heading in headings], className="qt-trace-row qt-trace-headings"),
            *(_row(trace, longest_ns, state, viewer, slots) for trace in traces),
        ],
        className="qt-trace-rows",
        role="list",
        **{"aria-label": "Traces", "data-live-pause": "true"},
    )


def service_chip(service: str, slots: Mapping[str, int]) -> Component:
    """A service in its colour; the name beside it carries the identity for those who cannot tell the colours apart."""
    return html.Span([_swatch(service, slots), html.Span(service)], className="qt-chip")


def _swatch(service: str, slots: Mapping[str, int]) -> Component:
    return html.I(className="qt-swatch", style={"background": service_colour(service, slots)})


def _shown_duration_ns(trace: Mapping[str, Any]) -> int:
    """The root's duration where there is one: an asynchronous consumer must not make every checkout look slow."""
    root_ns = trace["root_duration_ns"]
    return int(trace["duration_ns"] if root_ns is None else root_ns)


def _row(
    trace: Mapping[str, Any], longest_ns: int, state: ViewState, viewer: Viewer, slots: Mapping[str, int]
) -> Component:
    start, duration_ns = parse_time(trace["start_time"]), _shown_duration_ns(trace)
    service, name = trace["root_service_name"], trace["root_name"]
    errors = trace["error_count"]
    return html.Div(
        html.A(
            [
                html.Time(
                    format_clock(start, viewer.zone, now=viewer.now),
                    dateTime=trace["start_time"],
                    title=format_datetime(start, viewer.zone),
                    className="qt-number qt-muted",
                ),
                html.Span(
                    [
                        _swatch(service or "", slots),
                        html.Strong(service or "Root span missing", className="" if service else "qt-muted"),
                        html.Span(name or trace["trace_id"], className="qt-trace-name"),
                        None
                        if trace["is_complete"]
                        else html.Em("incomplete", title="Some parent spans never arrived"),
                    ],
                    className="qt-trace-root",
                ),
                html.Span(
                    [
                        html.Span(
                            html.I(style={"width": f"{max(duration_ns / longest_ns * 100, 0.6):.2f}%"}),
                            className="qt-trace-bar",
                        ),
                        html.Span(format_duration_ns(duration_ns), className="qt-number"),
                    ],
                    className="qt-trace-duration",
                    title=f"The whole trace: {format_duration_ns(trace['duration_ns'])}",
                ),
                html.Span(format_count(trace["span_count"]), className="qt-number"),
                html.Span(
                    [icon("error"), format_count(errors)] if errors else "–",
                    className="qt-number qt-trace-errors qt-error-text" if errors else "qt-number qt-faint",
                ),
                _chips(trace["services"], slots),
            ],
            href=f"/trace/{trace['trace_id']}{state.only_range().to_search()}",
            className="qt-trace-row",
            **{"data-trace-id": trace["trace_id"], "data-error": str(bool(errors)).lower()},
        ),
        role="listitem",
    )


def _chips(services: Sequence[Mapping[str, Any]], slots: Mapping[str, int]) -> Component:
    """How many services, and those with the most spans as far as the width goes; all of them on hover."""
    ranked = sorted(services, key=lambda service: (-service["span_count"], service["service_name"]))
    names = "\n".join(f"{service['service_name']}: {service['span_count']} spans" for service in ranked)
    return html.Span(
        [
            html.Span(str(len(ranked)), className="qt-number qt-muted"),
            html.Span(
                [service_chip(service["service_name"], slots) for service in ranked[:_MAX_CHIPS]],
                className="qt-trace-chips",
            ),
        ],
        className="qt-trace-services",
        title=names,
    )
