"""Find traces: filters, a picture of time against duration, and a row for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import DashboardError
from quacktrace_dashboard.figures.trace_scatter import trace_scatter
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.page import Page, Viewer, current_viewer
from quacktrace_dashboard.palette import assign_slots
from quacktrace_dashboard.state import ViewState
from quacktrace_dashboard.states import error_card, no_data
from quacktrace_dashboard.trace_rows import trace_rows

__all__ = ["PAGE"]

_FILTERS = ("service", "operation", "status", "min_duration", "max_duration", "order")
_QUERY_FILTERS = ("service", "operation", "status", "min_duration", "max_duration", "q")
_ORDERS = {
    "newest": "Newest first",
    "slowest": "Slowest first",
    "errors": "Most errors first",
    "spans": "Most spans first",
}
_LIMITS = (100, 300, 1000)


def layout(_: Mapping[str, str]) -> Component:
    return html.Div(
        [
            html.Div(
                [html.H1("Traces"), html.Span(id="traces-summary", className="qt-muted")], className="qt-page-head"
            ),
            _filter_bar(),
            html.Div(
                dcc.Graph(
                    id="traces-scatter",
                    figure={},
                    config={"displayModeBar": False, "responsive": True},
                    className="qt-trace-scatter",
                ),
                id="traces-scatter-card",
                className="qt-card qt-results",
                title="Click a dot to open its trace; drag to look at a part",
                hidden=True,
            ),
            html.Div(
                html.Div([html.Div(className="qt-skeleton qt-trace-skeleton") for _ in range(12)]),
                id="traces-results",
                className="qt-results",
            ),
        ],
        className="qt-traces",
    )


def register(app: Dash, client: QueryClient) -> None:
    """Filters are read from the URL and written to it; only the answer takes a round trip."""
    app.clientside_callback(
        ClientsideFunction("quacktrace", "readFilters"),
        *(Output(f"traces-{name}", "value") for name in _FILTERS),
        Input("shell-url", "search"),
    )
    app.clientside_callback(
        ClientsideFunction("quacktrace", "writeFilters"),
        *(Input(f"traces-{name}", "value") for name in _FILTERS),
        prevent_initial_call=True,
    )
    app.clientside_callback(ClientsideFunction("quacktrace", "openDot"), Input("traces-scatter", "clickData"))
    app.clientside_callback(ClientsideFunction("quacktrace", "selectDots"), Input("traces-scatter", "selectedData"))

    @app.callback(
        Output("traces-service", "data"),
        Output("traces-operation", "data"),
        Input("shell-url", "search"),
        Input("shell-refresh", "data"),
    )
    def show_choices(search: str | None, _: int) -> tuple[list[str], list[str]]:
        state, viewer = ViewState.from_search(search), current_viewer()
        return _choices(client.known_services(), state.get("service")), _operations(client, state, viewer)

    @app.callback(
        Output("traces-results", "children"),
        Output("traces-summary", "children"),
        Output("traces-scatter", "figure"),
        Output("traces-scatter-card", "hidden"),
        Input("shell-url", "search"),
        Input("shell-refresh", "data"),
    )
    def show_traces(search: str | None, _: int) -> tuple[Component, str, dict[str, Any], bool]:
        state, viewer = ViewState.from_search(search), current_viewer()
        try:
            answer = client.get("/api/v1/traces", _parameters(state, viewer))
        except DashboardError as error:
            return error_card(error), "", {}, True
        if not answer["traces"]:
            is_filtered = any(state.get(name) for name in _QUERY_FILTERS)
            return no_data(answer, state, viewer, what="traces", is_filtered=is_filtered), "", {}, True
        rows = _results(answer, state, viewer, assign_slots(client.known_services()))
        return rows, _summary(answer, state), _scatter(answer, state, viewer), False


def _filter_bar() -> Component:
    return html.Div(
        [
            dmc.Select(
                id="traces-service",
                placeholder="Every service",
                searchable=True,
                clearable=True,
                limit=200,
                w=200,
                **{"aria-label": "Service"},
            ),
            dmc.Select(
                id="traces-operation",
                placeholder="Every operation",
                searchable=True,
                clearable=True,
                limit=200,
                w=240,
                **{"aria-label": "Operation"},
            ),
            dmc.SegmentedControl(
                id="traces-status",
                value="",
                data=[
                    {"value": "", "label": "All"},
                    {"value": "error", "label": "Errors"},
                    {"value": "ok", "label": "OK"},
                ],
                **{"aria-label": "Status"},
            ),
            html.Div(
                [
                    _duration_input("min_duration", "Shortest duration", "min 200ms"),
                    html.Span("to", className="qt-muted"),
                    _duration_input("max_duration", "Longest duration", "max 2s"),
                ],
                className="qt-filter-durations",
            ),
            dmc.Select(
                id="traces-order",
                value="newest",
                data=[{"value": value, "label": label} for value, label in _ORDERS.items()],
                allowDeselect=False,
                w=160,
                className="qt-filter-order",
                **{"aria-label": "Order"},
            ),
        ],
        className="qt-filters",
        role="group",
        **{"aria-label": "Filters"},
    )


def _duration_input(name: str, label: str, example: str) -> Component:
    return dmc.TextInput(
        id=f"traces-{name}", placeholder=example, debounce=400, w=96, value="", **{"aria-label": label}
    )


def _choices(names: Sequence[str], chosen: str | None) -> list[str]:
    """The names, and the one a link asks for even if nobody knows it: a select hides a value it has no entry for."""
    return sorted({*names, *([chosen] if chosen else [])} - {""})


def _operations(client: QueryClient, state: ViewState, viewer: Viewer) -> list[str]:
    service, chosen = state.get("service"), state.get("operation")
    if service is None:
        return _choices((), chosen)
    range_from, range_to = state.time_range.resolve(viewer.now_ms)
    try:
        answer = client.get("/api/v1/operations", {"service": service, "from": range_from, "to": range_to})
    except DashboardError:  # the list of traces shows the same trouble in full
        return _choices((), chosen)
    return _choices([operation["operation"] for operation in answer["operations"]], chosen)


def _parameters(state: ViewState, viewer: Viewer) -> dict[str, str | int | None]:
    range_from, range_to = state.time_range.resolve(viewer.now_ms)
    filters: dict[str, str | int | None] = {name: state.get(name) for name in (*_QUERY_FILTERS, "order")}
    return {**filters, "from": range_from, "to": range_to, "limit": _limit(state)}


def _limit(state: ViewState) -> int:
    asked = state.get("limit") or ""
    return int(asked) if asked in {str(limit) for limit in _LIMITS} else _LIMITS[0]


def _summary(answer: Mapping[str, Any], state: ViewState) -> str:
    shown, order = len(answer["traces"]), _ORDERS.get(state.get("order") or "", _ORDERS["newest"]).lower()
    if answer["truncated"]:
        return f"The first {shown} of more, {order}"
    return f"{shown} {'trace' if shown == 1 else 'traces'}, {order}"


def _scatter(answer: Mapping[str, Any], state: ViewState, viewer: Viewer) -> dict[str, Any]:
    range_from, range_to = state.time_range.resolve(viewer.now_ms)
    return trace_scatter(answer["traces"], from_ms=range_from, to_ms=range_to, viewer=viewer)


def _results(answer: Mapping[str, Any], state: ViewState, viewer: Viewer, slots: Mapping[str, int]) -> Component:
    traces = answer["traces"]
    more = next((limit for limit in _LIMITS if limit > len(traces)), None) if answer["truncated"] else None
    return html.Div(
        [
            html.Div(trace_rows(traces, state=state, viewer=viewer, slots=slots), className="qt-card"),
            html.A(
                [icon("chevron-down"), f"Show up to {more}"],
                href=state.with_params(limit=str(more)).to_search(),
                className="qt-button qt-more",
            )
            if more
            else None,
        ],
        className="qt-traces-results",
        **{"data-ready": "true"},
    )


PAGE = Page(
    path="/traces", title="Traces", id_prefix="traces", layout=layout, register=register, icon="traces", key="t"
)
