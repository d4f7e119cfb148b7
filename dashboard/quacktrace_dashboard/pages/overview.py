"""The first page: what is wrong now, and how every service is doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from quacktrace_dashboard.baseline import Baseline
from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import DashboardError
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.links import page_link, services_link, traces_link
from quacktrace_dashboard.page import Page, Viewer, current_viewer
from quacktrace_dashboard.pages.error_groups import error_group_list
from quacktrace_dashboard.pages.overview_endpoints import failing_endpoints, slowest_endpoints
from quacktrace_dashboard.pages.overview_map import overview_map, register_overview_map
from quacktrace_dashboard.pages.overview_services import service_rows, services_head
from quacktrace_dashboard.pages.overview_tiles import number_tiles, overall_p95
from quacktrace_dashboard.pages.what_changed import NOTHING_UNUSUAL, overview_origin
from quacktrace_dashboard.palette import service_colour
from quacktrace_dashboard.show_sql import show_sql, show_sql_button
from quacktrace_dashboard.skeletons import skeleton_blocks, skeleton_tiles
from quacktrace_dashboard.state import ViewState
from quacktrace_dashboard.states import error_card, no_data, silence
from quacktrace_dashboard.wrong_now import Problem, end_of_data, find_problems, start_of_data

__all__ = ["PAGE"]

_BUCKETS = 40
_MAX_PROBLEMS = 8
_MAX_GROUPS = 5
_PROBLEM_ICONS = {"errors": "error", "slow": "clock", "silent": "empty"}


def layout(_: Mapping[str, str]) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Overview"),
                    html.Span(id="overview-summary", className="qt-muted"),
                    html.Div(className="qt-page-head-gap"),
                    html.Div(id="overview-tools", className="qt-page-tools"),
                ],
                className="qt-page-head",
            ),
            html.Div([skeleton_tiles(5), skeleton_blocks(160, 330, 200)], id="overview-state"),
            html.Div(
                [
                    html.Div(
                        [
                            html.Div(id="overview-numbers", className="qt-tiles"),
                            html.Div(id="overview-ingest", className="qt-card qt-tile qt-ingest"),
                        ],
                        className="qt-tile-row",
                    ),
                    html.Section(id="overview-problems", className="qt-card qt-section", **{"data-live-pause": "true"}),
                    overview_origin(),
                    html.Section(
                        [
                            html.Div(id="overview-services-head", className="qt-card-head"),
                            html.Div(id="overview-services", **{"data-live-pause": "true"}),
                        ],
                        className="qt-card qt-section",
                    ),
                    html.Div(
                        [
                            html.Section(
                                id=f"overview-{name}", className="qt-card qt-section", **{"data-live-pause": "true"}
                            )
                            for name in ("failing", "slowest")
                        ],
                        className="qt-two-columns",
                    ),
                    html.Section(id="overview-errors", className="qt-card qt-section", **{"data-live-pause": "true"}),
                    overview_map(),
                    html.Section(
                        [
                            html.Div(
                                [html.H2("Ingest"), html.Span("The collector's own health.", className="qt-muted")],
                                className="qt-card-head",
                            ),
                            html.Dl(id="overview-ingest-facts", className="qt-ingest-facts"),
                        ],
                        className="qt-card qt-section",
                    ),
                ],
                id="overview-content",
                className="qt-stack",
                hidden=True,
            ),
            dcc.Store(id="overview-ingest-shown"),
            dcc.Store(id="overview-service-rows"),
        ],
        className="qt-page",
    )


def register(app: Dash, client: QueryClient) -> None:
    baseline = Baseline(client)

    @app.callback(
        Output("overview-state", "children"),
        Output("overview-content", "hidden"),
        Output("overview-summary", "children"),
        Output("overview-tools", "children"),
        Output("overview-numbers", "children"),
        Output("overview-problems", "children"),
        Output("overview-services-head", "children"),
        Output("overview-service-rows", "data"),
        Output("overview-failing", "children"),
        Output("overview-slowest", "children"),
        Output("overview-errors", "children"),
        Input("shell-url", "search"),
        Input("shell-refresh", "data"),
        State("shell-slots", "data"),
    )
    def show_overview(search: str | None, _refreshes: int, slots: dict[str, int]) -> tuple[Any, ...]:
        state, viewer = ViewState.from_search(search), current_viewer()
        from_ms, to_ms = state.time_range.resolve(viewer.now_ms)
        now = {"from": from_ms, "to": to_ms}
        asked = {"from_": from_ms, "to": to_ms}
        middle_ms = from_ms
        before = {"from_ms": max(0, from_ms - (to_ms - from_ms)), "to_ms": from_ms}
        nothing = (no_update,) * 7
        try:
            services = client.get("/api/v1/services", now)
            if not services["services"]:
                return (no_data(services, state, viewer, what="calls", is_filtered=False), True, "", None, *nothing)
            start_ms = start_of_data(from_ms, to_ms, services["data_from"])
            is_young = start_ms > from_ms
            end_ms = to_ms
            hotspots = client.get("/api/v1/hotspots", {**now, "from": start_ms, "buckets": _BUCKETS})
            groups = client.get("/api/v1/errors", {**now, "limit": 50})["groups"]
            if is_young:
                # Nothing lies before this range: compare the newer half of what there is with the older one.
                end_ms = end_of_data(start_ms, to_ms, services["data_to"])
                middle_ms = (start_ms + end_ms) // 2
                ranked = client.get("/api/v1/hotspots", {"from": middle_ms, "to": end_ms, "buckets": 1})["ranked"]
                previous, p95_before = [], None
            else:
                ranked = hotspots["ranked"]
                previous = baseline.get("/api/v1/services", **before)["services"]
                p95_before = overall_p95(baseline.get("/api/v1/hotspots", **before, buckets=1))
        except DashboardError as error:
            return (error_card(error), True, "", None, *nothing)
        problems = find_problems(ranked, groups, services["services"], previous)
        return (
            None,
            False,
            _summary(problems, silence(services["data_to"], state, viewer)),
            show_sql_button("numbers", of="numbers", **asked),
            number_tiles(services["services"], previous, hotspots, p95_before, state),
            _problem_card(
                problems,
                state,
                slots,
                is_young=is_young,
                sql=show_sql("ranked", of="what is wrong now", from_=middle_ms if is_young else from_ms, to=end_ms),
            ),
            services_head(services["services"], state, sql=show_sql("services", of="services", **asked)),
            service_rows(services["services"], previous, hotspots),
            failing_endpoints(hotspots["ranked"], state, slots),
            slowest_endpoints(hotspots["ranked"], state, slots),
            _errors_card(
                groups,
                state,
                viewer,
                slots,
                services["services"],
                sql=show_sql("error_groups", of="latest errors", **asked),
            ),
        )

    register_overview_map(app, client)
    # Dash runs a callback for a page that comes in later only if it has an output there.
    app.clientside_callback(
        ClientsideFunction("quacktrace", "showIngest"),
        Output("overview-ingest-shown", "data"),
        Input("shell-refresh", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("quacktrace", "drawServices"),
        Output("overview-services", "data-ready"),
        Input("overview-service-rows", "data"),
    )


def _summary(problems: Sequence[Problem], silent: str) -> str:
    began = sum(not problem.is_passed_on for problem in problems)
    found = f"{began} thing{'' if began == 1 else 's'} to look at" if began else f"{NOTHING_UNUSUAL} in this time range"
    return f"{found}; {silent}" if silent else found


def _problem_card(
    problems: Sequence[Problem], state: ViewState, slots: Mapping[str, int], *, is_young: bool, sql: Component
) -> list[Component]:
    baseline = "the older half of what is stored" if is_young else "the equal time just before"
    head = html.Div(
        [
            html.H2("What is wrong now"),
            html.Span(f"Against {baseline}, worst first.", className="qt-muted"),
            html.A("What changed", href=page_link("/hotspots", state), className="qt-link") if problems else None,
            sql,
        ],
        className="qt-card-head",
    )
    if not problems:
        calm = html.P(
            [icon("check", class_name="qt-ok-text"), "No operation fails or is slower than it was."],
            className="qt-calm",
        )
        return [head, calm]
    rows = [_problem(problem, state, slots) for problem in problems[:_MAX_PROBLEMS]]
    more = len(problems) - _MAX_PROBLEMS
    rest = html.A(f"{more} more on the hotspots page", href=page_link("/hotspots", state), className="qt-problems-more")
    return [head, html.Ul(rows, className="qt-problems"), *([rest] if more > 0 else [])]


def _problem(problem: Problem, state: ViewState, slots: Mapping[str, int]) -> Component:
    if problem.kind == "silent":
        href = services_link(state, service=problem.service_name)
    else:
        href = traces_link(
            state,
            service=problem.service_name,
            operation=problem.operation or None,
            status="error" if problem.kind == "errors" else None,
            order="slowest" if problem.kind == "slow" else None,
        )
    return html.Li(
        html.A(
            [
                icon(
                    _PROBLEM_ICONS[problem.kind],
                    class_name="qt-warning-text" if problem.kind != "errors" else "qt-error-text",
                ),
                html.I(className="qt-swatch", style={"background": service_colour(problem.service_name, slots)}),
                html.B(problem.service_name),
                html.Span(problem.operation, className="qt-problem-operation") if problem.operation else None,
                html.Span(problem.sentence, className="qt-problem-sentence"),
                html.Small("passed on from what it calls", className="qt-chip") if problem.is_passed_on else None,
                icon("chevron-right", class_name="qt-problem-go"),
            ],
            href=href,
            className="qt-passed-on" if problem.is_passed_on else "",
        )
    )


def _errors_card(
    groups: Sequence[Mapping[str, Any]],
    state: ViewState,
    viewer: Viewer,
    slots: Mapping[str, int],
    services: Sequence[Mapping[str, Any]],
    *,
    sql: Component,
) -> list[Component]:
    latest = sorted(groups, key=lambda group: group["last_seen"], reverse=True)[:_MAX_GROUPS]
    head = html.Div(
        [
            html.H2("Latest errors"),
            html.Span("Where each failure began.", className="qt-muted"),
            html.A(f"All {len(groups)}", href=page_link("/hotspots", state), className="qt-link")
            if len(groups) > len(latest)
            else None,
            sql,
        ],
        className="qt-card-head",
    )
    if not latest:
        return [head, html.P("Nothing failed in this time range.", className="qt-muted qt-card-empty")]
    return [head, error_group_list(latest, viewer, slots=slots, services=services)]


PAGE = Page(
    path="/", title="Overview", id_prefix="overview", layout=layout, register=register, icon="overview", key="o"
)
