"""The logs page: find log records; each opens its trace at the span that wrote it.

The rows are drawn by `assets/logs/33-logs.js`, which keeps an opened row open while live records come in above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import DashboardError
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.page import Page, current_viewer
from quacktrace_dashboard.recent_answers import RecentAnswers
from quacktrace_dashboard.show_sql import show_sql_button
from quacktrace_dashboard.skeletons import skeleton_blocks
from quacktrace_dashboard.state import ViewState
from quacktrace_dashboard.states import error_card, no_data

__all__ = ["PAGE"]

_SELECTS = ("severity", "service")
_FILTERS = ("q", "attribute", *_SELECTS)
_SEVERITIES = ("trace", "debug", "info", "warn", "error", "fatal")
_LIMITS = (200, 1000, 5000)
_BUCKETS = 120


def layout(_: Mapping[str, str]) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Logs"),
                    html.Span(id="logs-summary", className="qt-muted"),
                    html.Div(className="qt-page-head-gap"),
                    html.Div(id="logs-tools", className="qt-page-tools"),
                ],
                className="qt-page-head",
            ),
            _filter_bar(),
            html.Div(skeleton_blocks(92, 460), id="logs-state"),
            html.Div(id="logs-chart", className="qt-card qt-logs-chart", role="img", hidden=True),
            html.Div(
                html.Ol(id="logs-rows", className="qt-logs", **{"data-live-pause": "true"}),
                id="logs-card",
                className="qt-card qt-section",
                hidden=True,
            ),
            html.Div(id="logs-more"),
            dcc.Store(id="logs-answer"),
            dcc.Store(id="logs-counts"),
        ],
        className="qt-page",
    )


def register(app: Dash, client: QueryClient) -> None:
    recent = RecentAnswers(client)
    app.clientside_callback(
        ClientsideFunction("quacktrace", "readLogFilters"),
        *(Output(f"logs-{name}", "value") for name in _SELECTS),
        Input("shell-url", "search"),
    )
    app.clientside_callback(
        ClientsideFunction("quacktrace", "writeLogFilters"),
        *(Input(f"logs-{name}", "value") for name in _SELECTS),
        prevent_initial_call=True,
    )
    for function, name in (("drawLogs", "answer"), ("drawLogCounts", "counts")):
        app.clientside_callback(ClientsideFunction("quacktrace", function), Input(f"logs-{name}", "data"))

    @app.callback(Output("logs-service", "data"), Input("shell-url", "search"), Input("shell-refresh", "data"))
    def show_services(search: str | None, _refreshes: int) -> list[str]:
        chosen = ViewState.from_search(search).get("service")
        return sorted({*client.known_services(), *([chosen] if chosen else [])})

    @app.callback(
        Output("logs-state", "children"),
        Output("logs-card", "hidden"),
        Output("logs-summary", "children"),
        Output("logs-tools", "children"),
        Output("logs-more", "children"),
        Output("logs-answer", "data"),
        Output("logs-counts", "data"),
        Input("shell-url", "search"),
        Input("shell-refresh", "data"),
    )
    def show_logs(search: str | None, _refreshes: int) -> tuple[Any, ...]:
        state, viewer = ViewState.from_search(search), current_viewer()
        from_ms, to_ms = state.time_range.resolve(viewer.now_ms)
        filters = {name: state.get(name) for name in (*_FILTERS, "trace_id")}
        if filters["severity"] not in _SEVERITIES:
            filters["severity"] = None
        asked = {"from_": from_ms, "to": to_ms, "limit": _limit(state)}
        tools = show_sql_button("logs", of="log records", **filters, **asked)
        try:
            answer = client.get("/api/v1/logs", {**filters, "from": from_ms, "to": to_ms, "limit": _limit(state)})
            is_moving = not state.time_range.is_absolute
            counts = (
                recent.get("/api/v1/logs/counts", from_ms, to_ms, is_moving, {**filters, "buckets": _BUCKETS})
                if answer["logs"]
                else None
            )
        except DashboardError as error:
            return error_card(error), True, "", tools, None, None, None
        logs = answer["logs"]
        if not logs:
            is_filtered = any(filters.values())
            empty = no_data(answer, state, viewer, what="log records", is_filtered=is_filtered)
            return empty, True, "", tools, None, None, None
        return None, False, _summary(answer), tools, _more(answer, state), logs, counts


def _filter_bar() -> Component:
    return html.Div(
        [
            html.Div(id="logs-words"),  # its inputs are the asset's: Dash's own move the caret while somebody types
            dmc.Select(
                id="logs-severity",
                placeholder="Every severity",
                clearable=True,
                data=[
                    {"value": name, "label": f"{name} and above" if name != "fatal" else name} for name in _SEVERITIES
                ],
                w=170,
                **{"aria-label": "Severity"},
            ),
            dmc.Select(
                id="logs-service",
                placeholder="Every service",
                searchable=True,
                clearable=True,
                limit=200,
                w=200,
                **{"aria-label": "Service"},
            ),
        ],
        className="qt-filters",
        role="group",
        **{"aria-label": "Filters"},
    )


def _limit(state: ViewState) -> int:
    asked = state.get("limit") or ""
    return int(asked) if asked in {str(limit) for limit in _LIMITS} else _LIMITS[0]


def _summary(answer: Mapping[str, Any]) -> str:
    shown = len(answer["logs"])
    if answer["truncated"]:
        return f"The newest {shown:,} of more"
    return f"{shown:,} record{'' if shown == 1 else 's'}"


def _more(answer: Mapping[str, Any], state: ViewState) -> Component | None:
    more = next((limit for limit in _LIMITS if limit > len(answer["logs"])), None) if answer["truncated"] else None
    if more is None:
        return None
    return html.A(
        [icon("chevron-down"), f"Show up to {more:,}"],
        href=state.with_params(limit=str(more)).to_search(),
        className="qt-button qt-more",
    )


PAGE = Page(path="/logs", title="Logs", id_prefix="logs", layout=layout, register=register, icon="logs", key="l")
