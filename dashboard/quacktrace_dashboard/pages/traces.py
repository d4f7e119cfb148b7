"""Find traces: filters, a picture of time against duration, and a row for each."""

from __future__ import annotations

from collections.abc import Mapping

from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import DashboardError
from quacktrace_dashboard.page import Page, current_viewer
from quacktrace_dashboard.state import ViewState
from quacktrace_dashboard.states import error_card, no_data

__all__ = ["PAGE"]


def layout(variables: Mapping[str, str]) -> Component:
    return html.Div(
        [
            html.Div([html.H1("Traces")], className="qt-page-head"),
            html.Div(id="traces-results", className="qt-results"),
        ]
    )


def register(app: Dash, client: QueryClient) -> None:
    @app.callback(Output("traces-results", "children"), Input("shell-url", "search"), Input("shell-refresh", "data"))
    def show_traces(search: str | None, refreshes: int) -> Component:
        state, viewer = ViewState.from_search(search), current_viewer()
        range_from, range_to = state.time_range.resolve(viewer.now_ms)
        try:
            answer = client.get("/api/v1/traces", {"from": range_from, "to": range_to})
        except DashboardError as error:
            return error_card(error)
        if not answer["traces"]:
            return no_data(answer, state, viewer, what="traces", is_filtered=False)
        return html.Div(str(len(answer["traces"])))


PAGE = Page(
    path="/traces", title="Traces", id_prefix="traces", layout=layout, register=register, icon="traces", key="t"
)
