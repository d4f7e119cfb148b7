"""The number tiles of the first page: requests, errors, latency and services, each against the time before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.figures.rates import rate_text
from quacktrace_dashboard.formatting import format_count, format_duration_ms, format_percent
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.links import page_link
from quacktrace_dashboard.pages.error_groups import sparkline
from quacktrace_dashboard.percentiles import histogram_percentile, percentile_series
from quacktrace_dashboard.state import ViewState
from quacktrace_dashboard.wrong_now import HIGH_ERROR_RATE

__all__ = ["number_tiles", "overall_p95"]


def number_tiles(
    services: Sequence[Mapping[str, Any]],
    previous: Sequence[Mapping[str, Any]],
    hotspots: Mapping[str, Any],
    p95_before: float | None,
    state: ViewState,
) -> list[Component]:
    calls, errors = _total(services, "calls"), _total(services, "errors")
    calls_before, errors_before = _total(previous, "calls"), _total(previous, "errors")
    rate = errors / calls if calls else 0.0
    rate_before = errors_before / calls_before if calls_before else None
    p95 = overall_p95(hotspots)
    per_s, per_s_before = (sum(service["calls_per_s"] for service in known) for known in (services, previous))
    series = hotspots["errors"]
    latency = hotspots["latency"]
    return [
        _tile(
            "Requests",
            rate_text(per_s, 1),
            _change(per_s, per_s_before),
            sparkline(_column_sums(series["calls"]), class_name="qt-tile-spark"),
            page_link("/traces", state),
        ),
        _tile(
            "Errors",
            format_percent(rate),
            _change(rate, rate_before, is_worse_up=True),
            sparkline(_column_sums(series["errors"]), class_name="qt-tile-spark qt-error-spark"),
            page_link("/hotspots", state),
        ),
        _tile(
            "p95 latency",
            format_duration_ms(p95),
            _change(p95, p95_before, is_worse_up=True),
            sparkline(percentile_series(latency["bounds_ms"], latency["counts"], 0.95), class_name="qt-tile-spark"),
            page_link("/traces", state, order="slowest"),
        ),
        _tile(
            "Services",
            format_count(len(services)),
            _count_change(len(services), len(previous)),
            _failing_services(services),
            page_link("/services", state),
        ),
    ]


def _tile(label: str, value: str, change: Component | None, chart: Component | None, href: str) -> Component:
    return html.A(
        [
            html.Span(label, className="qt-tile-label"),
            html.Span([html.B(value), change], className="qt-tile-value"),
            chart,
        ],
        href=href,
        className="qt-card qt-tile",
    )


def _change(now: float | None, before: float | None, *, is_worse_up: bool = False) -> Component | None:
    """How much more or less than in the time before; coloured only where a direction is good or bad."""
    if now is None or not before:
        return None
    ratio = now / before
    if 0.95 < ratio < 1.05:
        return html.Small("as before", className="qt-muted")
    text = f"{ratio:.1f}×" if ratio >= 1.995 else f"{abs(ratio - 1):.0%}"
    arrow = "▲" if ratio > 1 else "▼"
    tone = "qt-muted" if not is_worse_up else "qt-error-text" if ratio > 1 else "qt-ok-text"
    return html.Small(f"{arrow} {text}", className=tone, title="Against the equal time just before")


def _count_change(now: int, before: int) -> Component | None:
    if not before or now == before:
        return None
    return html.Small(f"{now - before:+d} since before", className="qt-muted")


def _failing_services(services: Sequence[Mapping[str, Any]]) -> Component:
    failing = sum(service["error_rate"] >= HIGH_ERROR_RATE for service in services)
    if not failing:
        return html.Span([icon("check"), "None fails often"], className="qt-tile-note qt-ok-text")
    text = f"{failing} fail{'s' if failing == 1 else ''} more than {HIGH_ERROR_RATE:.0%}"
    return html.Span([icon("alert"), text], className="qt-tile-note qt-error-text")


def _total(services: Sequence[Mapping[str, Any]], field: str) -> int:
    return sum(service[field] for service in services)


def overall_p95(hotspots: Mapping[str, Any]) -> float | None:
    latency = hotspots["latency"]
    return histogram_percentile(latency["bounds_ms"], [sum(row) for row in latency["counts"]], 0.95)


def _column_sums(rows: Sequence[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)]
