"""One trace: what was asked, where the time went, and every span of it.

The page is drawn by `assets/trace/14-trace-page.js`, which fetches the waterfall itself: 50,000 spans are 2 MB that
have no reason to pass through Python.
"""

from __future__ import annotations

from collections.abc import Mapping

from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.page import Page

__all__ = ["PAGE"]


def layout(variables: Mapping[str, str]) -> Component:
    return html.Div(
        [
            dcc.Store(id="trace-request", data=variables["trace_id"]),
            html.Div(id="trace-page", className="qt-trace"),
        ]
    )


def register(app: Dash, client: QueryClient) -> None:
    # Dash runs a callback for a page that was just inserted only if it has an output there.
    app.clientside_callback(
        ClientsideFunction("quacktrace", "openTrace"),
        Output("trace-page", "data-trace-id"),
        Input("trace-request", "data"),
    )


PAGE = Page(path="/trace/<trace_id>", title="Trace", id_prefix="trace", layout=layout, register=register)
