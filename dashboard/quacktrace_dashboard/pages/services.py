"""The services page: who calls whom, as a map or as a table, and a drawer with the numbers of one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from quacktrace_dashboard.baseline import Baseline
from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import DashboardError
from quacktrace_dashboard.figures.graph_parts import failing_part, grouped
from quacktrace_dashboard.figures.service_map import MAX_NODES, display_name, service_map_picture
from quacktrace_dashboard.formatting import format_count
from quacktrace_dashboard.grid import table_grid
from quacktrace_dashboard.map_search import found_traces, graph_parameters, is_search
from quacktrace_dashboard.page import Page, current_viewer
from quacktrace_dashboard.pages.service_drawer import service_drawer
from quacktrace_dashboard.pages.services_choice import too_many_services, worst_node
from quacktrace_dashboard.pages.services_tools import focus_hops, services_tools
from quacktrace_dashboard.skeletons import skeleton_blocks
from quacktrace_dashboard.state import ViewState
from quacktrace_dashboard.states import empty_state, error_card, no_data

__all__ = ["PAGE"]

_COLUMNS: list[dict[str, Any]] = [
    {"field": "name", "headerName": "Service", "flex": 3, "minWidth": 170, "cellRenderer": "QtService"},
    {"field": "kind", "headerName": "Kind", "flex": 2, "minWidth": 105},
    {"field": "calls_per_s", "headerName": "Calls", "cellRenderer": "QtRate", "type": "rightAligned", "width": 95},
    {
        "field": "error_rate",
        "headerName": "Errors",
        "cellRenderer": "QtErrorShare",
        "type": "rightAligned",
        "width": 95,
    },
    {"field": "p50_ms", "headerName": "p50", "cellRenderer": "QtDuration", "type": "rightAligned", "width": 90},
    {"field": "p95_ms", "headerName": "p95", "cellRenderer": "QtDuration", "type": "rightAligned", "width": 90},
    {"field": "p99_ms", "headerName": "p99", "cellRenderer": "QtDuration", "type": "rightAligned", "width": 90},
    {"field": "instances", "headerName": "Instances", "type": "rightAligned", "width": 100},
    {"field": "versions", "headerName": "Versions", "flex": 2, "minWidth": 100},
]


def layout(_: Mapping[str, str]) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Services"),
                    html.Span(id="services-count", className="qt-muted"),
                    html.Div(className="qt-page-head-gap"),
                    dmc.Select(
                        id="services-focus",
                        data=[],
                        placeholder="Focus on a service",
                        searchable=True,
                        clearable=True,
                        limit=60,
                        size="xs",
                        w=180,
                        nothingFoundMessage="No such service",
                        **{"aria-label": "Focus on a service"},
                    ),
                    html.Div(id="services-views", className="qt-page-tools"),
                ],
                className="qt-page-head",
            ),
            html.Div(skeleton_blocks(600), id="services-state"),
            html.Div(
                [
                    html.Div(
                        [
                            html.Div(id="services-map", className="qt-map-host"),
                            html.P(id="services-note", className="qt-map-note"),
                            _legend(),
                        ],
                        id="services-map-panel",
                        className="qt-map-panel",
                        hidden=True,
                    ),
                    html.Div(
                        table_grid("services-grid", _COLUMNS, row_id="params.data.id"),
                        id="services-table-panel",
                        className="qt-table-panel",
                        hidden=True,
                    ),
                    html.Aside(
                        id="services-drawer", className="qt-drawer", hidden=True, **{"aria-label": "Service details"}
                    ),
                ],
                className="qt-services",
            ),
            dcc.Store(id="services-picture"),
            dcc.Store(id="services-center"),
            dcc.Store(id="services-rows"),
        ],
        className="qt-page qt-page-full",
    )


def register(app: Dash, client: QueryClient) -> None:
    namespaces = Baseline(client)

    @app.callback(
        Output("services-state", "children"),
        Output("services-count", "children"),
        Output("services-views", "children"),
        Output("services-map-panel", "hidden"),
        Output("services-table-panel", "hidden"),
        Output("services-picture", "data"),
        Output("services-note", "children"),
        Output("services-rows", "data"),
        Output("services-focus", "data"),
        Output("services-focus", "value"),
        Output("services-center", "data"),
        Input("shell-url", "search"),
        Input("shell-refresh", "data"),
        State("services-focus", "data"),
        State("services-center", "data"),
    )
    def show_services(search: str | None, _: int, known: list[str], last_center: str | None) -> tuple[Any, ...]:
        state, viewer = ViewState.from_search(search), current_viewer()
        from_ms, to_ms = state.time_range.resolve(viewer.now_ms)
        views = services_tools(state, from_ms, to_ms)
        try:
            graph = client.get("/api/v1/graph", graph_parameters(state, from_ms, to_ms))
            is_table = state.get("view") == "table"
            services = (
                client.get("/api/v1/services", {"from": from_ms, "to": to_ms})
                if is_table and not is_search(state)
                else None
            )
        except DashboardError as error:
            return (error_card(error), "", views, True, True, *(no_update,) * 6)
        if state.get("failing") == "1" and graph["nodes"]:
            graph = failing_part(graph)
            if not graph["nodes"]:
                calm = empty_state("Nothing fails in this time range", "No call of any service ended in an error.")
                return (calm, "", views, True, True, None, "", [], [], None, None)
        nodes = graph["nodes"]
        if not nodes:
            empty = no_data(
                graph, state, viewer, what="traces" if is_search(state) else "services", is_filtered=is_search(state)
            )
            return (empty, "", views, True, True, None, "", [], [], None, None)
        names = sorted(node["id"] for node in nodes)
        focus = state.get("focus") if state.get("focus") in names else None
        counted = _counted(graph)
        options = no_update if names == known else names
        if is_table:
            return (None, counted, views, True, False, None, "", _rows(graph, services), options, focus, None)
        center, note = focus, _outside_range_note(state, focus)
        if len(nodes) > MAX_NODES and center is None:
            graph = _by_namespace(graph, namespaces, state, from_ms, to_ms)
            if len(graph["nodes"]) > MAX_NODES:
                center = _center(graph["nodes"], last_center if ctx.triggered_id == "shell-refresh" else None)
                note = too_many_services(graph["nodes"], center, state)
        drawn = service_map_picture(graph, focus=center or "", hops=focus_hops(state))
        views = services_tools(state, from_ms, to_ms, is_focused=center is not None)
        picture = {**drawn, "selected": state.get("service")}
        return (note, counted, views, False, True, picture, _thinned(drawn), [], options, focus, center)

    @app.callback(
        Output("services-drawer", "children"),
        Output("services-drawer", "hidden"),
        Input("shell-url", "search"),
        Input("shell-refresh", "data"),
        State("shell-slots", "data"),
    )
    def show_drawer(search: str | None, _refreshes: int, slots: dict[str, int]) -> tuple[Any, bool]:
        state, viewer = ViewState.from_search(search), current_viewer()
        service = state.get("service")
        if service is None:
            return None, True
        try:
            return service_drawer(client, state, viewer, service, slots=slots), False
        except DashboardError as error:
            return error_card(error), False

    # Dash holds a callback back until the code of all its components is there: the map does not wait for the table's.
    app.clientside_callback(
        ClientsideFunction("quacktrace", "passOn"),
        Output("services-grid", "rowData"),
        Input("services-rows", "data"),
    )
    for function, source in (
        ("drawServicesMap", Input("services-picture", "data")),
        ("focusService", Input("services-focus", "value")),
        ("openService", Input("services-grid", "cellClicked")),
    ):
        app.clientside_callback(ClientsideFunction("quacktrace", function), source)


def _by_namespace(
    graph: dict[str, Any], namespaces: Baseline, state: ViewState, from_ms: int, to_ms: int
) -> dict[str, Any]:
    """Too large a graph with namespaces in the place of services; the graph itself where that makes it no smaller."""
    try:
        known = namespaces.get("/api/v1/namespaces", from_ms=from_ms, to_ms=to_ms)["namespaces"]
    except DashboardError:
        return graph
    return grouped(graph, known, opened=state.get("namespace")) if known else graph


def _center(nodes: list[dict[str, Any]], last: str | None) -> str:
    """The worst; while live data comes in the last one stays, so that the map is not drawn anew under the reader."""
    return last if last is not None and any(node["id"] == last for node in nodes) else worst_node(nodes)


def _legend() -> Component:
    return html.Div(
        [
            html.Span([html.I(className=f"qt-legend-shape qt-legend-{kind}"), kind])
            for kind in ("service", "database", "messaging", "external")
        ]
        + [html.Span([html.I(className="qt-legend-shape qt-legend-inferred"), "dashed: seen only by its callers"])],
        className="qt-map-legend",
        **{"aria-hidden": "true"},
    )


def _counted(graph: Mapping[str, Any]) -> str:
    nodes = graph["nodes"]
    services = sum(node["kind"] == "service" for node in nodes)
    others = len(nodes) - services
    text = f"{format_count(services)} service{'' if services == 1 else 's'}"
    text = f"{text}, {format_count(others)} inferred" if others else text
    return f"{text}, of {found_traces(graph)}" if "traces" in graph else text


def _thinned(picture: Mapping[str, Any]) -> str:
    """That a focus has more around it than a map shows."""
    if not picture["thinned_from"]:
        return ""
    shown = sum(node["opens"] is None for node in picture["nodes"])
    return (
        f"{shown} of the {format_count(picture['thinned_from'])} services around {picture['focus']}:"
        " most failed calls first, then most calls"
    )


def _rows(graph: Mapping[str, Any], services: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Services with everything known about them, then the nodes that only their callers know."""
    known = {service["service_name"]: service for service in services["services"]} if services else {}
    seconds = float(graph["seconds"]) or 1.0
    rows = []
    for node in graph["nodes"]:
        service = known.get(node["id"], {})
        name, note = display_name(node["id"], node["kind"])
        rows.append(
            {
                "id": node["id"],
                "name": name,
                "kind": note or node["kind"],
                "calls_per_s": node["calls"] / seconds,
                "error_rate": node["errors"] / node["calls"] if node["calls"] else 0.0,
                "p50_ms": node["p50_ms"],
                "p95_ms": node["p95_ms"],
                "p99_ms": service.get("p99_ms"),
                "versions": ", ".join(service.get("versions") or ()),
                "instances": len(service.get("instances") or ()) or None,
            }
        )
    return sorted(rows, key=lambda row: (-row["error_rate"] * row["calls_per_s"], -row["calls_per_s"], row["id"]))


def _outside_range_note(state: ViewState, focus: str | None) -> Component | None:
    wanted = state.get("focus")
    if wanted is None or focus is not None:
        return None
    return html.P(f"“{wanted}” had no calls in this time range, so the whole map is shown.", className="qt-note")


PAGE = Page(
    path="/services",
    title="Services",
    id_prefix="services",
    layout=layout,
    register=register,
    icon="services",
    key="s",
)
