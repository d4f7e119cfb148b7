"""The SQL page: an editor over the public views, with the schema beside it and the answer below.

`assets/sql/45-sql-page.js` runs the query from the browser: the answer may be large, must be stoppable, and has no
reason to pass through Python twice.
"""

from __future__ import annotations

from collections.abc import Mapping

from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.grid import table_grid
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.page import Page

__all__ = ["PAGE"]

_LIMITS = (100, 1000, 10_000)
_FORMATS = (("csv", "CSV"), ("json", "JSON"), ("parquet", "Parquet"), ("arrow", "Arrow"))
_TABS = (("table", "Table"), ("chart", "Chart"), ("plan", "Plan"))


def layout(_: Mapping[str, str]) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.H1("SQL"),
                    html.Span("Reads every span, log and trace. Nothing here can change them.", className="qt-muted"),
                    html.Div(className="qt-page-head-gap"),
                    html.Span(
                        [
                            html.Kbd("Ctrl ⏎"),
                            " runs, ",
                            html.Kbd("Esc"),
                            " goes to the rows, ",
                            html.Kbd("⏎"),
                            " opens a row's trace, ",
                            html.Kbd("Esc"),
                            " comes back",
                        ],
                        className="qt-muted qt-sql-keys",
                    ),
                ],
                className="qt-page-head",
            ),
            html.Div(
                [
                    html.Div(
                        [
                            html.Section(
                                [
                                    html.Div(id="sql-editor", className="qt-sql-editor"),
                                    _toolbar(),
                                ],
                                className="qt-card qt-sql-card",
                            ),
                            html.Div(id="sql-message", role="status", **{"aria-live": "polite"}),
                            html.Section(
                                [
                                    _result_head(),
                                    html.Div(
                                        table_grid("sql-grid", [], row_id="params.data.row"),
                                        id="sql-table",
                                        className="qt-sql-grid",
                                    ),
                                    html.Div(id="sql-chart", className="qt-sql-chart-host", hidden=True),
                                    html.Div(id="sql-plan", className="qt-sql-plan", hidden=True),
                                ],
                                id="sql-result",
                                className="qt-card qt-section qt-sql-result",
                                hidden=True,
                            ),
                        ],
                        className="qt-sql-main",
                    ),
                    html.Aside(
                        id="sql-schema",
                        className="qt-card qt-sql-schema",
                        **{"aria-label": "Schema, recipes and queries"},
                    ),
                    html.Aside(
                        id="sql-trace",
                        className="qt-card qt-sql-trace",
                        hidden=True,
                        **{"aria-label": "Trace of a row"},
                    ),
                ],
                className="qt-sql",
            ),
            dcc.Store(id="sql-start", data=True),
            dcc.Store(id="sql-opened"),
        ],
        className="qt-page qt-page-full",
    )


def register(app: Dash, client: QueryClient) -> None:
    del client
    # Dash runs a callback for a page that comes in later only if it has an output there.
    app.clientside_callback(
        ClientsideFunction("quacktrace", "openSql"), Output("sql-opened", "data"), Input("sql-start", "data")
    )


def _toolbar() -> Component:
    return html.Div(
        [
            html.Button(
                [icon("play"), "Run"],
                id="sql-run",
                className="qt-button qt-button-primary",
                type="button",
                disabled=True,
            ),
            html.Button([icon("close"), "Stop"], id="sql-stop", className="qt-button", type="button", disabled=True),
            html.Label(
                [
                    html.Span("At most"),
                    html.Span(
                        [
                            html.Button(
                                f"{limit:,}",
                                className="qt-segment",
                                type="button",
                                **{"data-sql-limit": str(limit), "aria-pressed": str(limit == _LIMITS[1]).lower()},
                            )
                            for limit in _LIMITS
                        ],
                        className="qt-segments",
                        role="group",
                        **{"aria-label": "Most rows"},
                    ),
                    html.Span("rows"),
                ],
                className="qt-sql-limit",
            ),
            html.Span(id="sql-badge", className="qt-muted qt-sql-badge"),
            html.Button([icon("pin"), "Save"], id="sql-save", className="qt-button", type="button"),
        ],
        className="qt-sql-toolbar",
    )


def _result_head() -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.Button(
                        label,
                        type="button",
                        role="tab",
                        **{"data-sql-tab": name, "aria-selected": str(name == "table").lower()},
                    )
                    for name, label in _TABS
                ],
                className="qt-sql-tabs",
                role="tablist",
                **{"aria-label": "The answer as"},
            ),
            html.H2(id="sql-count"),
            html.Span(id="sql-elapsed", className="qt-muted"),
            html.Span(
                [
                    html.Button(
                        [icon("download"), label],
                        className="qt-button",
                        type="button",
                        disabled=True,
                        title=f"Download the answer as {label}",
                        **{"data-sql-format": name},
                    )
                    for name, label in _FORMATS
                ],
                className="qt-sql-downloads",
            ),
        ],
        className="qt-card-head",
    )


PAGE = Page(path="/sql", title="SQL", id_prefix="sql", layout=layout, register=register, icon="sql", key="q")
