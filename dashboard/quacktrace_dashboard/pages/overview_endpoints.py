"""The endpoints that fail most and those that are slowest: two short lists whose rows lead to the traces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.formatting import format_count, format_duration_ms, format_percent
from quacktrace_dashboard.links import traces_link
from quacktrace_dashboard.palette import service_colour
from quacktrace_dashboard.state import ViewState

__all__ = ["failing_endpoints", "slowest_endpoints"]

_MOST = 6
_ENDPOINT_KINDS = frozenset({"SERVER", "CONSUMER"})

Row = Mapping[str, Any]


def failing_endpoints(ranked: Sequence[Row], state: ViewState, slots: Mapping[str, int]) -> list[Component]:
    """Those that others call, by how many of their calls failed."""
    failing = sorted((row for row in _endpoints(ranked) if row["errors"]), key=lambda row: -row["errors"])

    def numbers(row: Row) -> tuple[str, str]:
        return format_percent(row["error_rate"]), f"{format_count(row['errors'])} of {format_count(row['calls'])}"

    return _card("Most failing endpoints", "Failed calls.", failing, numbers, state, slots, status="error")


def slowest_endpoints(ranked: Sequence[Row], state: ViewState, slots: Mapping[str, int]) -> list[Component]:
    """Those that others call, by the duration that one call in twenty exceeds."""
    slowest = sorted((row for row in _endpoints(ranked) if row["p95_ms"]), key=lambda row: -row["p95_ms"])

    def numbers(row: Row) -> tuple[str, str]:
        return format_duration_ms(row["p95_ms"]), f"p50 {format_duration_ms(row['p50_ms'])}"

    return _card("Slowest endpoints", "95th percentile.", slowest, numbers, state, slots, order="slowest")


def _endpoints(ranked: Sequence[Row]) -> list[Row]:
    return [row for row in ranked if row["kind"] in _ENDPOINT_KINDS]


def _card(
    title: str,
    hint: str,
    rows: Sequence[Row],
    numbers: Callable[[Row], tuple[str, str]],
    state: ViewState,
    slots: Mapping[str, int],
    **narrowed: str,
) -> list[Component]:
    head = html.Div([html.H2(title), html.Span(hint, className="qt-muted")], className="qt-card-head")
    if not rows:
        return [head, html.P("None in this time range.", className="qt-muted qt-card-empty")]
    items = []
    for row in rows[:_MOST]:
        value, detail = numbers(row)
        items.append(
            html.Li(
                html.A(
                    [
                        html.I(className="qt-swatch", style={"background": service_colour(row["service_name"], slots)}),
                        html.Span(row["service_name"], className="qt-endpoint-service"),
                        html.Span(row["operation"] or "(no name)", className="qt-endpoint-name"),
                        html.B(value, className="qt-error-text" if "status" in narrowed else ""),
                        html.Small(detail, className="qt-muted"),
                    ],
                    href=traces_link(
                        state, service=row["service_name"], operation=row["operation"] or None, **narrowed
                    ),
                    title=f"{row['service_name']}: {row['operation']}",
                )
            )
        )
    return [head, html.Ul(items, className="qt-endpoints")]
