"""Find traces and spans: a search with facets, a picture of time against duration, and a row for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import DashboardError, QueryError
from quacktrace_dashboard.formatting import to_milliseconds
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.page import Page, Viewer, current_viewer
from quacktrace_dashboard.state import ViewState
from quacktrace_dashboard.states import empty_state, error_card, no_data

__all__ = ["PAGE"]

_QUERY_FILTERS: Final = ("service", "operation", "status", "min_duration", "max_duration", "q")
_ORDERS: Final = {
    "newest": "newest first",
    "slowest": "slowest first",
    "errors": "most errors first",
    "spans": "most spans first",
}
_SCOPES: Final = {"root": "root spans", "entry": "entry spans", "all": "spans"}
_LIMITS: Final = (100, 300, 1000)
_SYNTAX: Final = (
    ("checkout", "the span's name contains it"),
    ("service = cart", "this value; * stands for anything"),
    ("status != error", "another value, or none"),
    ("http.response.status_code >= 500", "a number; > >= < <="),
    ("name =~ ^(GET|POST)", "a regular expression; !~ for the opposite"),
    ("user.tier exists", "the attribute is there; absent, it is not"),
    ("kind in (client, producer)", "one of these"),
    ("duration > 200ms", "of the whole trace; span.duration of the span"),
    ("a and (b or not c)", "terms next to each other must all hold, on one span"),
    ('resource.host.name = "node 1"', "of the resource; event.KEY of an event"),
)


def layout(_: Mapping[str, str]) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Traces"),
                    html.Span(id="traces-summary", className="qt-muted", role="status"),
                    html.Div(className="qt-page-head-gap"),
                    html.Div(id="traces-head-tools", className="qt-page-tools"),
                ],
                className="qt-page-head",
            ),
            # Made by the assets: Dash's own inputs write back what they last sent while somebody types.
            html.Div(id="traces-tools"),
            dcc.Store(id="traces-answer"),
            html.Div(
                [
                    html.Aside(id="traces-facets", hidden=True, **{"aria-label": "Facets", "data-live-pause": "true"}),
                    html.Div(
                        [
                            html.Div(html.Div(className="qt-skeleton qt-trace-skeleton"), id="traces-state"),
                            html.Div(
                                [
                                    html.Div(
                                        [
                                            html.Button(
                                                [icon("filter"), "Facets"],
                                                id="traces-facets-toggle",
                                                className="qt-link-button",
                                                type="button",
                                                **{"aria-controls": "traces-facets", "aria-expanded": "true"},
                                            ),
                                            html.Span("Drag to look closer", className="qt-muted"),
                                            html.Div(id="traces-chart-tools"),
                                        ],
                                        className="qt-traces-picture-head",
                                    ),
                                    html.Div(id="traces-scatter"),
                                ],
                                className="qt-card qt-traces-picture",
                                hidden=True,
                            ),
                            html.Div(id="traces-new", className="qt-traces-new", hidden=True, role="status"),
                            html.Div(id="traces-rows", **{"data-live-pause": "true"}),
                        ],
                        className="qt-traces-main",
                    ),
                ],
                className="qt-traces-body",
            ),
        ],
        className="qt-traces",
    )


def register(app: Dash, client: QueryClient) -> None:
    """Filters are read from the URL and written to it by the assets; only the answer takes a round trip."""
    app.clientside_callback(
        ClientsideFunction("quacktrace", "readFilters"),
        Output("traces-tools", "data-ready"),
        Input("shell-url", "search"),
    )
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
        parameters = _parameters(state, viewer)
        what = "spans" if _scope(state) else "traces"
        try:
            answer = client.get(f"/api/v1/{what}", parameters)
        except DashboardError as error:
            return _problem(error), _syntax() if _is_shown_at_the_search(error) else error_card(error), ""
        if not answer[what]:
            return None, _nothing(client, answer, state, viewer, parameters), ""
        return _picture(answer, what, state, viewer), None, _summary(answer, what, state)


def _parameters(state: ViewState, viewer: Viewer) -> dict[str, str | int | None]:
    range_from, range_to = state.time_range.resolve(viewer.now_ms)
    passed = (*_QUERY_FILTERS, "columns")
    filters: dict[str, str | int | None] = {name: state.get(name) for name in passed}
    order = state.get("order")
    if _scope(state) and order not in (None, "newest", "slowest"):
        order = None
    return {
        **filters,
        "scope": _scope(state),
        "order": order,
        "from": range_from,
        "to": range_to,
        "limit": _limit(state),
    }


def _scope(state: ViewState) -> str | None:
    scope = state.get("scope")
    return scope if scope in _SCOPES else None


def _limit(state: ViewState) -> int:
    asked = state.get("limit") or ""
    return int(asked) if asked in {str(limit) for limit in _LIMITS} else _LIMITS[0]


def _summary(answer: Mapping[str, Any], what: str, state: ViewState) -> str:
    shown, order = len(answer[what]), _ORDERS.get(state.get("order") or "", _ORDERS["newest"])
    noun = _SCOPES.get(state.get("scope") or "", "traces")
    if answer["truncated"]:
        return f"The first {shown} {noun} of more, {order}"
    return f"{shown} {noun.removesuffix('s') if shown == 1 else noun}, {order}"


def _problem(error: DashboardError) -> dict[str, Any]:
    """Return what the search box says, where the search is what is wrong."""
    if not _is_shown_at_the_search(error):
        return {}
    position = error.position if isinstance(error, QueryError) else None
    return {"problem": {"message": error.message, "hint": error.hint, "position": position}}


def _is_shown_at_the_search(error: DashboardError) -> bool:
    return isinstance(error, QueryError) and error.position is not None


def _syntax() -> Component:
    """Show how a search is written, where the rows would be."""
    return html.Section(
        [
            html.H2("How a search is written"),
            html.Dl([html.Div([html.Dt(html.Code(term)), html.Dd(meaning)]) for term, meaning in _SYNTAX]),
        ],
        className="qt-card qt-syntax",
    )


def _nothing(
    client: QueryClient,
    answer: dict[str, Any],
    state: ViewState,
    viewer: Viewer,
    parameters: Mapping[str, str | int | None],
) -> Component:
    """Say why there is nothing: no data at all, none in this range, or a filter that leaves nothing."""
    what = "spans" if _scope(state) else "traces"
    is_filtered = any(state.get(name) for name in _QUERY_FILTERS)
    if not is_filtered or not _has_data_in_range(answer):
        return no_data(answer, state, viewer, what=what, is_filtered=False)
    try:
        filters = client.get("/api/v1/no_match", parameters)["filters"]
    except DashboardError:  # the explanation is a help; without it the page still says that nothing matches
        filters = []
    clear = html.A(
        [icon("close"), "Clear the filters"],
        href=_without_filters(state).to_search() or "?",
        className="qt-button",
    )
    state_of_it = empty_state(
        f"No {what} match these filters", _why(filters) or "Loosen a filter, or look at a longer time.", clear
    )
    guilty = [one for one in filters if one["finds_without"]]
    if len(filters) > 1 and guilty:
        state_of_it.children.insert(
            3,
            html.Ul(
                [
                    html.Li(
                        html.A(
                            [icon("exclude"), "Without ", html.Code(one["filter"])],
                            href=_without(state, one).to_search() or "?",
                            className="qt-button qt-button-primary",
                        )
                    )
                    for one in guilty
                ],
                className="qt-guilty-filters",
            ),
        )
    return state_of_it


def _why(filters: list[dict[str, Any]]) -> str:
    guilty = [one for one in filters if one["finds_without"]]
    if len(filters) < 2:
        return ""
    if len(guilty) == 1:
        return "One filter removes everything: without it, there are some."
    return (
        "Each of these removes what is left:" if guilty else "No single filter is to blame: several remove everything."
    )


def _has_data_in_range(answer: Mapping[str, Any]) -> bool:
    data_from, data_to = answer.get("data_from"), answer.get("data_to")
    return bool(data_from and data_to and data_from < answer["to"] and answer["from"] < data_to)


def _without_filters(state: ViewState) -> ViewState:
    return state.with_params(**dict.fromkeys(_QUERY_FILTERS), limit=None)


def _without(state: ViewState, one: Mapping[str, Any]) -> ViewState:
    return state.with_params(**{one["parameter"]: one["rest"] or None}, limit=None)


def _picture(answer: Mapping[str, Any], what: str, state: ViewState, viewer: Viewer) -> dict[str, Any]:
    """Return what the assets draw: the rows, the time that the scatter spans, the link to more."""
    rows = answer[what]
    asked_from, asked_to = state.time_range.resolve(viewer.now_ms)
    range_from, range_to = asked_from, asked_to
    if answer["truncated"]:  # only a part is shown, so only its time is worth the width
        starts = [to_milliseconds(row["start_time"]) for row in rows]
        range_from, range_to = max(range_from, min(starts)), min(range_to, max(starts) + 1)
    return {
        "rows": rows,
        "scope": _scope(state) or "",
        "columns": answer["columns"],
        "from": answer["from"],
        "from_ms": range_from,
        "to_ms": range_to,
        "asked_from_ms": asked_from,
        "asked_to_ms": asked_to,
        "more": _more(answer, what, state),
    }


def _more(answer: Mapping[str, Any], what: str, state: ViewState) -> dict[str, str] | None:
    """Return the link to more rows, if there are more and we would show them."""
    limit = next((limit for limit in _LIMITS if limit > len(answer[what])), None) if answer["truncated"] else None
    return {"label": f"Show up to {limit}", "href": state.with_params(limit=str(limit)).to_search()} if limit else None


PAGE = Page(
    path="/traces", title="Traces", id_prefix="traces", layout=layout, register=register, icon="traces", key="t"
)
