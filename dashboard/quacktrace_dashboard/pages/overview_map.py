"""The small map of the first page: all services, or the neighbourhood of the worst one where they are too many."""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, dcc, html, no_update
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import DashboardError
from quacktrace_dashboard.figures.service_map import MAX_NODES, service_map_picture
from quacktrace_dashboard.page import current_viewer
from quacktrace_dashboard.pages.services_choice import worst_node
from quacktrace_dashboard.state import ViewState

__all__ = ["overview_map", "register_overview_map"]


def overview_map() -> Component:
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Map"),
                    html.Span(id="overview-map-note", className="qt-muted"),
                    html.A("Open the map", href="/services", className="qt-link", **{"data-keep-range": "true"}),
                ],
                className="qt-card-head",
            ),
            html.Div(id="overview-map", className="qt-map-host qt-overview-map", **{"data-small": "true"}),
            dcc.Store(id="overview-picture"),
        ],
        className="qt-card qt-section",
    )


def register_overview_map(app: Dash, client: QueryClient) -> None:
    @app.callback(
        Output("overview-picture", "data"),
        Output("overview-map-note", "children"),
        Input("shell-url", "search"),
        Input("shell-refresh", "data"),
    )
    def show_map(search: str | None, _refreshes: int) -> tuple[Any, Any]:
        from_ms, to_ms = ViewState.from_search(search).time_range.resolve(current_viewer().now_ms)
        try:
            graph = client.get("/api/v1/graph", {"from": from_ms, "to": to_ms})
        except DashboardError:
            return no_update, "The map could not be loaded."
        nodes = graph["nodes"]
        if len(nodes) <= MAX_NODES:
            return service_map_picture(graph), "A click opens the service."
        worst = worst_node(nodes)
        return service_map_picture(graph, focus=worst, hops=1), f"Around {worst}, the one with the most failed calls."

    app.clientside_callback(ClientsideFunction("quacktrace", "drawOverviewMap"), Input("overview-picture", "data"))
