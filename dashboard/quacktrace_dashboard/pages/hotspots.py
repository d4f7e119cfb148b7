"""The hotspots page: what fails and what is slow, over time and ranked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import DashboardError
from quacktrace_dashboard.figures.error_heatmap import MAX_SERVICES, error_heatmap
from quacktrace_dashboard.figures.latency_heatmap import latency_heatmap
from quacktrace_dashboard.formatting import to_milliseconds
from quacktrace_dashboard.grid import table_grid
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.page import Page, current_viewer
from quacktrace_dashboard.pages.error_groups import error_group_list
from quacktrace_dashboard.pages.latency_box import box_of, latency_box, register_latency_box
from quacktrace_dashboard.pages.what_changed import register_what_changed, what_changed
from quacktrace_dashboard.show_sql import show_sql
from quacktrace_dashboard.skeletons import skeleton_blocks
from quacktrace_dashboard.state import ViewState
from quacktrace_dashboard.states import error_card, no_data
from quacktrace_dashboard.wrong_now import error_change, start_of_data

__all__ = ["PAGE"]

_BUCKETS = 60
_GROUPS = 30
_ROWS_IN_SIGHT = 12
_IMPACT = "Impact = failed calls + seconds lost. Lost: of every call the time above the median before."
_LEAST_HEIGHT = 290
_ROW_HEIGHT = 26

_COLUMNS: list[dict[str, Any]] = [
    {"field": "service_name", "headerName": "Service", "flex": 2, "minWidth": 130, "cellRenderer": "QtService"},
    {"field": "operation", "headerName": "Operation", "flex": 3, "minWidth": 150, "cellRenderer": "QtText"},
    {
        "field": "impact",
        "headerName": "Impact",
        "headerTooltip": _IMPACT,
        "cellRenderer": "QtImpact",
        "width": 108,
        "sort": "desc",
    },
    {"field": "errors", "headerName": "Failed", "cellRenderer": "QtCount", "type": "rightAligned", "width": 76},
    {
        "field": "error_rate",
        "headerName": "Errors",
        "cellRenderer": "QtErrorShare",
        "type": "rightAligned",
        "width": 84,
    },
    {
        "field": "error_change",
        "headerName": "vs before",
        "cellRenderer": "QtChange",
        "type": "rightAligned",
        "width": 86,
    },
    {"field": "error_series", "headerName": "When", "cellRenderer": "QtErrorTrend", "width": 122, "sortable": False},
    {"field": "p95_ms", "headerName": "p95", "cellRenderer": "QtDuration", "type": "rightAligned", "width": 88},
    {"field": "p95_change", "headerName": "vs before", "cellRenderer": "QtChange", "type": "rightAligned", "width": 86},
    {
        "field": "time_lost_ms",
        "headerName": "Time lost",
        "headerTooltip": "Sum over all calls of the time above the usual (the previous median)",
        "cellRenderer": "QtDuration",
        "type": "rightAligned",
        "width": 92,
    },
]
for _column in _COLUMNS:
    if _column["cellRenderer"] == "QtChange":
        _column["comparator"] = {"function": "quacktraceChange"}


def layout(_: Mapping[str, str]) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Hotspots"),
                    html.Span(id="hotspots-summary", className="qt-muted"),
                    html.Div(className="qt-page-head-gap"),
                    html.Div(id="hotspots-tools", className="qt-page-tools"),
                ],
                className="qt-page-head",
            ),
            html.Div(skeleton_blocks(330, 290, 180), id="hotspots-state"),
            html.Div(
                [
                    what_changed(),
                    html.Div(
                        [
                            _card(
                                "errors",
                                "Errors by service",
                                "Click a cell for its failed traces.",
                                _graph("hotspots-errors"),
                            ),
                            _card(
                                "latency",
                                "Latency",
                                "Drag a box to compare it with the rest.",
                                _graph("hotspots-latency"),
                            ),
                        ],
                        className="qt-two-columns",
                    ),
                    latency_box(),
                    _card(
                        "ranked",
                        "Ranked",
                        f"{_IMPACT} Click a row for its traces.",
                        html.Div(
                            table_grid("hotspots-grid", _COLUMNS, row_id="params.data.id", rowBuffer=48),
                            id="hotspots-grid-box",
                            **{"data-live-pause": "true"},
                        ),
                    ),
                    _card(
                        "groups",
                        "Error groups",
                        "Where each failure began; what it caused further up is not counted again.",
                        html.Div(id="hotspots-groups"),
                    ),
                ],
                id="hotspots-content",
                className="qt-stack",
                hidden=True,
            ),
            dcc.Store(id="hotspots-buckets"),
            dcc.Store(id="hotspots-figures"),
            dcc.Store(id="hotspots-rows"),
        ],
        className="qt-page",
    )


_GRAPH = {"displayModeBar": False, "responsive": True, "doubleClick": False}
_EMPTY: dict[str, Any] = {"data": [], "layout": {"paper_bgcolor": "rgba(0,0,0,0)"}}


def register(app: Dash, client: QueryClient) -> None:
    @app.callback(
        Output("hotspots-state", "children"),
        Output("hotspots-content", "hidden"),
        Output("hotspots-summary", "children"),
        Output("hotspots-tools", "children"),
        Output("hotspots-figures", "data"),
        Output("hotspots-rows", "data"),
        Output("hotspots-grid-box", "style"),
        Output("hotspots-groups", "children"),
        Output("hotspots-buckets", "data"),
        *(Output(f"hotspots-sql-{name}", "children") for name in ("errors", "latency", "ranked", "groups")),
        Input("shell-url", "search"),
        Input("shell-refresh", "data"),
        State("shell-slots", "data"),
    )
    def show_hotspots(search: str | None, _refreshes: int, slots: dict[str, int]) -> tuple[Any, ...]:
        state, viewer = ViewState.from_search(search), current_viewer()
        from_ms, to_ms = state.time_range.resolve(viewer.now_ms)
        parameters = {"from": from_ms, "to": to_ms, "service": state.get("service")}
        tools = _tools(state)
        nothing = (no_update,) * 9
        try:
            hotspots = client.get("/api/v1/hotspots", {**parameters, "buckets": _BUCKETS})
            start_ms = start_of_data(from_ms, to_ms, hotspots["data_from"])
            if start_ms > from_ms:
                hotspots = client.get("/api/v1/hotspots", {**parameters, "from": start_ms, "buckets": _BUCKETS})
            groups = client.get("/api/v1/errors", {**parameters, "limit": _GROUPS})["groups"]
            services = client.get("/api/v1/services", {"from": from_ms, "to": to_ms})["services"] if groups else []
        except DashboardError as error:
            return (error_card(error), True, "", tools, *nothing)
        if not hotspots["errors"]["services"] and not hotspots["ranked"]:
            is_filtered = state.get("service") is not None
            empty = no_data(hotspots, state, viewer, what="calls", is_filtered=is_filtered)
            return (empty, True, "", tools, *nothing)
        box = box_of(state)
        errors = error_heatmap(hotspots, viewer.zone)
        latency = latency_heatmap(hotspots, viewer.zone, box=box.figure_range(viewer.zone) if box else None)
        height = max(_LEAST_HEIGHT, 46 + _ROW_HEIGHT * len(errors["data"][0]["y"]))
        return (
            None,
            False,
            _summary(hotspots, groups),
            tools,
            [errors, latency, height],
            _rows(hotspots["ranked"]),
            {"height": 34 + 32 * min(_ROWS_IN_SIGHT, len(hotspots["ranked"]))},
            error_group_list(groups, viewer, slots=slots, services=services, state=state)
            if groups
            else html.P("Nothing failed in this time range.", className="qt-muted qt-card-empty"),
            {
                "times_ms": [to_milliseconds(text) for text in hotspots["times"]],
                "bucket_ms": hotspots["bucket_s"] * 1000,
                "services": hotspots["errors"]["services"][:MAX_SERVICES],
                "bounds_ms": hotspots["latency"]["bounds_ms"],
            },
            *_sql_links(start_ms, from_ms, to_ms, state.get("service"), hotspots["bucket_s"]),
        )

    register_what_changed(app, client)
    register_latency_box(app, client)
    # Dash holds a callback back until the code of all its components is there: words do not wait for Plotly's 5 MB.
    app.clientside_callback(
        ClientsideFunction("quacktrace", "showHeatmaps"),
        *(Output(f"hotspots-{name}", "figure") for name in ("errors", "latency")),
        *(Output(f"hotspots-{name}", "style") for name in ("errors", "latency")),
        Input("hotspots-figures", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("quacktrace", "passOn"),
        Output("hotspots-grid", "rowData"),
        Input("hotspots-rows", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("quacktrace", "openErrorCell"),
        Input("hotspots-errors", "clickData"),
        State("hotspots-buckets", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("quacktrace", "chooseLatencyBox"),
        Input("hotspots-latency", "selectedData"),
        State("hotspots-buckets", "data"),
    )
    app.clientside_callback(ClientsideFunction("quacktrace", "endComparing"), Input("hotspots-box", "children"))
    app.clientside_callback(
        ClientsideFunction("quacktrace", "openRankedRow"),
        Input("hotspots-grid", "cellClicked"),
        State("hotspots-grid", "rowData"),
    )


def _graph(id_: str) -> Component:
    """Its place is there before Plotly is."""
    return html.Div(dcc.Graph(id=id_, config=_GRAPH, figure=_EMPTY), style={"minHeight": _LEAST_HEIGHT})


def _card(name: str, title: str, hint: Component | str, *content: Component) -> Component:
    sql = html.Span(id=f"hotspots-sql-{name}")
    return html.Section(
        [html.Div([html.H2(title), html.Span(hint, className="qt-muted"), sql], className="qt-card-head"), *content],
        className="qt-card qt-section",
    )


def _sql_links(start_ms: int, from_ms: int, to_ms: int, service: str | None, bucket_s: float) -> list[Component]:
    """In the order of the cards; groups are asked for with the whole range, the rest from where data starts."""
    asked = {"from_": start_ms, "to": to_ms, "service": service}
    return [
        show_sql("service_rates", of="errors by service", bucket_s=int(bucket_s), **asked),
        show_sql("latency_heatmap", of="latency", bucket_s=int(bucket_s), **asked),
        show_sql("ranked", of="ranked operations", **asked),
        show_sql("error_groups", of="error groups", from_=from_ms, to=to_ms, service=service, limit=_GROUPS),
    ]


def _tools(state: ViewState) -> list[Component]:
    service = state.get("service")
    tools: list[Component] = []
    if service is not None:
        clear = html.A(
            icon("close"),
            href=state.with_params(service=None).to_search() or "?",
            **{"aria-label": f"All services, not only {service}"},
        )
        tools.append(html.Span([html.Span(service), clear], className="qt-chip"))
    return tools


def _summary(hotspots: Mapping[str, Any], groups: list[dict[str, Any]]) -> str:
    failing = sum(any(row) for row in hotspots["errors"]["errors"])
    total = len(hotspots["errors"]["services"])
    if not failing:
        return f"Nothing failed in {total} service{'' if total == 1 else 's'}"
    text = f"{failing} of {total} services had failures"
    return f"{text}, in {len(groups)} group{'' if len(groups) == 1 else 's'}" if groups else text


def _rows(ranked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = [_row(row) for row in ranked]
    largest = max((row["impact"] for row in rows), default=0.0) or 1.0
    return [{**row, "impact_share": row["impact"] / largest} for row in rows]


def _row(ranked: Mapping[str, Any]) -> dict[str, Any]:
    before_calls, before_errors = ranked["previous_calls"], ranked["previous_errors"]
    return {
        **{
            key: ranked[key]
            for key in ("service_name", "operation", "errors", "error_rate", "p95_ms", "time_lost_ms", "error_series")
        },
        "id": f"{ranked['service_name']}\n{ranked['operation']}\n{ranked['kind']}",
        "impact": ranked["errors"] + ranked["time_lost_ms"] / 1000,
        "error_change": error_change(ranked["errors"], ranked["calls"], before_errors, before_calls),
        "p95_change": [ranked["p95_ms"], ranked["previous_p95_ms"] if before_calls else None],
    }


PAGE = Page(
    path="/hotspots",
    title="Hotspots",
    id_prefix="hotspots",
    layout=layout,
    register=register,
    icon="hotspots",
    key="h",
)
