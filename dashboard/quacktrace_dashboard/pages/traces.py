"""Find traces: filters, a picture of time against duration, and a row for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import DashboardError
from quacktrace_dashboard.formatting import to_milliseconds
from quacktrace_dashboard.page import Page, Viewer, current_viewer
from quacktrace_dashboard.state import ViewState
from quacktrace_dashboard.states import error_card, no_data

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
            dcc.Store(id="traces-answer"),
            html.Div(html.Div(className="qt-skeleton qt-trace-skeleton"), id="traces-state"),
            html.Div(id="traces-scatter"),
            html.Div(id="traces-rows", **{"data-live-pause": "true"}),
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

    @app.callback(
        Output("traces-service", "data"),
        Output("traces-operation", "data"),
        Input("shell-url", "search"),
        Input("shell-refresh", "data"),
    )
    def show_choices(search: str | None, _: int) -> tuple[list[str], list[str]]:
        state, viewer = ViewState.from_search(search), current_viewer()
        return _choices(client.known_services(), state.get("service")), _operations(client, state, viewer)

    # Rows and dots are drawn by assets: Dash inserts components at a cost that grows with the square of their number
    # (2,600 components in 100 rows were 14 million calls of its selector), and Plotly is 4.8 MB for one picture.
    app.clientside_callback(
        ClientsideFunction("quacktrace", "drawTraces"),
        Output("traces-rows", "data-ready"),
        Input("traces-answer", "data"),
    )

    @app.callback(
        Output("traces-answer", "data"),
        Output("traces-state", "children"),
        Output("traces-summary", "children"),
        Input("shell-url", "search"),
        Input("shell-refresh", "data"),
    )
    def show_traces(search: str | None, _: int) -> tuple[dict[str, Any] | None, Component | None, str]:
        state, viewer = ViewState.from_search(search), current_viewer()
        try:
            answer = client.get("/api/v1/traces", _parameters(state, viewer))
        except DashboardError as error:
            return None, error_card(error), ""
        if not answer["traces"]:
            is_filtered = any(state.get(name) for name in _QUERY_FILTERS)
            return None, no_data(answer, state, viewer, what="traces", is_filtered=is_filtered), ""
        return _picture(answer, state, viewer), None, _summary(answer, state)


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


def _picture(answer: Mapping[str, Any], state: ViewState, viewer: Viewer) -> dict[str, Any]:
    """Return what the assets draw: the traces, the time that the scatter spans, the link to more."""
    traces = answer["traces"]
    range_from, range_to = state.time_range.resolve(viewer.now_ms)
    if answer["truncated"]:  # only a part is shown, so only its time is worth the width
        starts = [to_milliseconds(trace["start_time"]) for trace in traces]
        range_from, range_to = max(range_from, min(starts)), min(range_to, max(starts) + 1)
    return {"traces": traces, "from_ms": range_from, "to_ms": range_to, "more": _more(answer, state)}


def _more(answer: Mapping[str, Any], state: ViewState) -> dict[str, str] | None:
    """Return the link to more rows, if there are more and we would show them."""
    limit = next((limit for limit in _LIMITS if limit > len(answer["traces"])), None) if answer["truncated"] else None
    return {"label": f"Show up to {limit}", "href": state.with_params(limit=str(limit)).to_search()} if limit else None


PAGE = Page(
    path="/traces", title="Traces", id_prefix="traces", layout=layout, register=register, icon="traces", key="t"
)
