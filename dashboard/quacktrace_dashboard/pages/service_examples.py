"""A service over time, and traces to look at: charts and the slowest and failing examples of the drawer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.formatting import (
    format_age,
    format_count,
    format_duration_ms,
    format_duration_ns,
    parse_time,
    to_milliseconds,
)
from quacktrace_dashboard.links import trace_link, traces_link
from quacktrace_dashboard.page import Viewer
from quacktrace_dashboard.pages.error_groups import sparkline
from quacktrace_dashboard.percentiles import percentile_series
from quacktrace_dashboard.state import ViewState
from quacktrace_dashboard.wrong_now import start_of_data

__all__ = ["example_traces", "service_charts"]

_BUCKETS = 48
_EXAMPLES = 3

Parameters = dict[str, str | int | float | None]


def service_charts(client: QueryClient, state: ViewState, viewer: Viewer, service: str) -> Component | None:
    """Calls, failed calls and p95 over the range; raises DashboardError."""
    from_ms, to_ms = state.time_range.resolve(viewer.now_ms)
    asked: Parameters = {"service": service, "to": to_ms, "buckets": _BUCKETS}
    answer = client.get("/api/v1/hotspots", {**asked, "from": from_ms})
    start_ms = start_of_data(from_ms, to_ms, answer["data_from"])
    if start_ms > from_ms:
        answer = client.get("/api/v1/hotspots", {**asked, "from": start_ms})
    errors, latency = answer["errors"], answer["latency"]
    if service not in errors["services"]:
        return None
    row = errors["services"].index(service)
    calls, failed = errors["calls"][row], errors["errors"][row]
    p95 = percentile_series(latency["bounds_ms"], latency["counts"], 0.95) if latency["counts"] else []
    times = [to_milliseconds(time) for time in answer["times"]]
    length = f"{answer['bucket_s']:.0f} s"
    return html.Section(
        [
            _chart("Calls", f"at most {format_count(max(calls, default=0))} in {length}", calls),
            _chart("Failed", f"at most {format_count(max(failed, default=0))} in {length}", failed, is_error=True),
            _chart("p95", f"at most {format_duration_ms(max(p95, default=None))}", p95),
        ],
        className="qt-drawer-charts",
        **{
            "data-drag-range": "true",
            "data-from": str(times[0]) if times else "",
            "data-to": str(times[-1] + int(answer["bucket_s"] * 1000)) if times else "",
        },
    )


def _chart(title: str, note: str, series: Sequence[float], *, is_error: bool = False) -> Component:
    bars = "qt-error-spark" if is_error else ""
    return html.Figure(
        [
            html.Figcaption([html.B(title), html.Span(note, className="qt-muted")]),
            sparkline(series, class_name=f"qt-drawer-chart {bars}".rstrip()),
        ],
        title="Drag over it for that time alone",
    )


def example_traces(client: QueryClient, state: ViewState, viewer: Viewer, service: str) -> list[Component]:
    """The slowest traces through a service and the newest in which it failed; raises DashboardError."""
    from_ms, to_ms = state.time_range.resolve(viewer.now_ms)
    asked: Parameters = {"service": service, "from": from_ms, "to": to_ms, "limit": _EXAMPLES}
    slowest = client.get("/api/v1/traces", {**asked, "order": "slowest"})["traces"]
    failing = client.get("/api/v1/traces", {**asked, "status": "error"})["traces"]
    sections = []
    for title, traces, narrowed in (
        ("Failing examples", failing, {"status": "error"}),
        ("Slowest examples", slowest, {"order": "slowest"}),
    ):
        if traces:
            every = traces_link(state, service=service, **narrowed)
            rows = [_example(trace, viewer) for trace in traces]
            sections.append(
                html.Section(
                    [html.H3([title, html.A("All", href=every, className="qt-link")]), html.Ul(rows)],
                    className="qt-examples",
                )
            )
    return sections


def _example(trace: Mapping[str, Any], viewer: Viewer) -> Component:
    duration = format_duration_ns(trace["root_duration_ns"] or trace["duration_ns"])
    errors = trace["error_count"]
    return html.Li(
        html.A(
            [
                html.Span(
                    f"{trace['root_service_name'] or '?'} {trace['root_name'] or ''}", className="qt-example-name"
                ),
                html.Span(f"{errors} error{'' if errors == 1 else 's'}", className="qt-error-text") if errors else None,
                html.B(duration),
                html.Small(format_age(parse_time(trace["start_time"]), now=viewer.now), className="qt-muted"),
            ],
            href=trace_link(trace["trace_id"]),
        )
    )
