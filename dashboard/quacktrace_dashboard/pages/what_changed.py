"""What changed against the time before and where it started: a card of the hotspots, a line of the overview."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from dash import Dash, Input, Output, State, html
from dash.development.base_component import Component

from quacktrace_dashboard.baseline import Baseline
from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import DashboardError
from quacktrace_dashboard.formatting import format_count, format_duration_ms, format_percent, parse_time
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.links import page_link, services_link, trace_link, traces_link
from quacktrace_dashboard.page import Viewer, current_viewer
from quacktrace_dashboard.palette import service_colour
from quacktrace_dashboard.skeletons import skeleton_blocks
from quacktrace_dashboard.state import ViewState
from quacktrace_dashboard.wrong_now import end_of_data, start_of_data

__all__ = ["NOTHING_UNUSUAL", "overview_origin", "register_what_changed", "what_changed"]

NOTHING_UNUSUAL = "Nothing unusual"
"""Begins the overview's summary where there is nothing to explain."""

_MOST_SURE = 6
_MOST_UNSURE = 8
_MOST_FURTHER = 3
_WORDS = {
    "latency": "slower",
    "network": "slower way",
    "errors": "fails",
    "missing_calls": "calls missing",
    "unanswered": "no answer",
    "new_calls": "new calls",
}
_FAILING = frozenset({"errors", "unanswered"})
_ATTRIBUTES = {"service.version": "version", "service.instance.id": "instance"}

Row = Mapping[str, Any]


def what_changed() -> Component:
    """The card before it knows anything."""
    return html.Section(
        html.Div(skeleton_blocks(104), style={"padding": "14px"}),
        id="hotspots-changes",
        className="qt-card qt-section",
        **{"aria-label": "What changed", "data-live-pause": "true"},
    )


def overview_origin() -> Component:
    """The line of the first page that names where it started, when something is wrong."""
    return html.Div(id="overview-origin", className="qt-card qt-origin", hidden=True, **{"data-live-pause": "true"})


def register_what_changed(app: Dash, client: QueryClient) -> None:
    """Fill both in callbacks of their own: a diagnosis reads spans and takes longer than the rest of a page."""
    diagnoses = Baseline(client)

    @app.callback(
        Output("hotspots-changes", "children"),
        Input("shell-url", "search"),
        Input("shell-refresh", "data"),
        State("shell-slots", "data"),
    )
    def show_changes(search: str | None, _refreshes: int, slots: dict[str, int]) -> list[Component]:
        state, viewer = ViewState.from_search(search), current_viewer()
        try:
            found, compared = _diagnose(client, diagnoses, state, viewer)
        except DashboardError as error:
            return [_head(""), _quiet(f"What changed could not be found out: {error.message}")]
        if found is None:
            return [_head(""), _quiet("Nothing was called in this time range.")]
        return _answer(found, compared, slots, viewer.zone, only=state.get("service"))

    @app.callback(
        Output("overview-origin", "children"),
        Output("overview-origin", "hidden"),
        Input("overview-summary", "children"),
        State("shell-url", "search"),
        State("shell-slots", "data"),
    )
    def show_origin(summary: str | None, search: str | None, slots: dict[str, int]) -> tuple[list[Component], bool]:
        if not summary or summary.startswith(NOTHING_UNUSUAL):
            return [], True
        state, viewer = ViewState.from_search(search), current_viewer()
        try:
            found, _ = _diagnose(client, diagnoses, state, viewer)
        except DashboardError:  # it adds to what the page says, which is all there without it
            return [], True
        sure = [origin for origin in found["ranked"] if origin["is_significant"]] if found else []
        return (_origin_line(sure[0], state, slots), False) if sure else ([], True)


def _diagnose(
    client: QueryClient, diagnoses: Baseline, state: ViewState, viewer: Viewer
) -> tuple[dict[str, Any] | None, ViewState]:
    """The answer and the range it is about; None where nothing was called. Raises DashboardError."""
    from_ms, to_ms = state.time_range.resolve(viewer.now_ms)
    known = client.get("/api/v1/services", {"from": from_ms, "to": to_ms})
    if not known["services"]:
        return None, state
    older: dict[str, int] = {}
    start_ms = start_of_data(from_ms, to_ms, known["data_from"])
    if start_ms > from_ms:
        # Nothing lies before this range: compare the newer half of what there is with the older one.
        to_ms = end_of_data(start_ms, to_ms, known["data_to"])
        from_ms = (start_ms + to_ms) // 2
        older = {"baseline_from": start_ms, "baseline_to": from_ms}
    found = diagnoses.get("/api/v1/diagnose", from_ms=from_ms, to_ms=to_ms, **older)
    return found, state.with_range(from_ms, to_ms)


def _origin_line(origin: Row, state: ViewState, slots: Mapping[str, int]) -> list[Component]:
    service = origin["service_name"]
    return [
        html.Small("likeliest origin", className="qt-chip qt-change-origin"),
        html.I(className="qt-swatch", style={"background": service_colour(service, slots)}),
        html.B(service),
        html.Span(origin["changes"][0]["sentence"], className="qt-origin-sentence"),
        html.A("All that changed", href=page_link("/hotspots", state), className="qt-link"),
    ]


def _answer(
    found: Row, state: ViewState, slots: Mapping[str, int], zone: tzinfo, *, only: str | None
) -> list[Component]:
    head = _head(_compared(found, zone))
    if found["not_enough_because"]:
        return [head, _quiet(f"Too little to compare: {found['not_enough_because']}.")]
    ranked = [origin for origin in found["ranked"] if only in (None, origin["service_name"])]
    sure = [origin for origin in ranked if origin["is_significant"]][:_MOST_SURE]
    unsure = [origin for origin in ranked if not origin["is_significant"]][:_MOST_UNSURE]
    parts = [head]
    if sure:
        rows = [_origin(origin, place, state, slots) for place, origin in enumerate(sure)]
        parts.append(html.Ol(rows, className="qt-changes"))
    else:
        what = f"{only} did not change" if only else "Nothing changed"
        parts.append(html.P([icon("check", class_name="qt-ok-text"), f"{what} beyond doubt."], className="qt-calm"))
    if unsure:
        rest = html.Ol([_origin(origin, None, state, slots) for origin in unsure], className="qt-changes")
        count = f"{len(unsure)} difference{'' if len(unsure) == 1 else 's'} that may be chance"
        parts.append(html.Details([html.Summary(count), rest], className="qt-changes-unsure", open=not sure))
    return parts


def _head(compared: str) -> Component:
    return html.Div(
        [html.H2("What changed"), html.Span(compared, className="qt-muted")],
        className="qt-card-head",
    )


def _quiet(text: str) -> Component:
    return html.P(text, className="qt-muted qt-card-empty")


def _compared(found: Row, zone: tzinfo) -> str:
    usual = found["baseline"]
    now, then = (_span(side, zone) for side in (found, usual))
    sampled = " A share of the traces was read." if found["one_trace_in"] > 1 or usual["one_trace_in"] > 1 else ""
    when = " after it" if usual["chosen"] == "after" else ""
    return (
        f"Ranked by where it started: {format_count(found['traces'])} traces of {now} against"
        f" {format_count(usual['traces'])} of {then}{when}.{sampled}"
    )


def _span(side: Row, zone: tzinfo) -> str:
    first, last = (parse_time(side[end]).astimezone(zone) for end in ("from", "to"))
    if first.year < 2000:
        return f"all before {last:%H:%M}"
    return (
        f"{first:%-d %b %H:%M} to {last:%H:%M}"
        if first.date() == last.date()
        else f"{first:%-d %b %H:%M} to {last:%-d %b %H:%M}"
    )


def _origin(origin: Row, place: int | None, state: ViewState, slots: Mapping[str, int]) -> Component:
    main, *further = origin["changes"]
    service = origin["service_name"]
    note = "likeliest origin" if place == 0 else None
    return html.Li(
        [
            html.Div(
                [
                    html.I(className="qt-swatch", style={"background": service_colour(service, slots)}),
                    html.B(service, title=service),
                    html.Small(_WORDS.get(main["kind"], main["kind"]), className="qt-muted"),
                    html.Small(note, className="qt-chip qt-change-origin") if note else None,
                ],
                className="qt-change-service",
            ),
            html.Div(
                [
                    html.P(main["sentence"], className="qt-change-sentence"),
                    html.P([_where(where) for where in origin["where"][:2]], className="qt-muted")
                    if origin["where"]
                    else None,
                    *(
                        html.P(["Also: ", change["sentence"]], className="qt-muted")
                        for change in further[:_MOST_FURTHER]
                    ),
                ],
                className="qt-change-words",
            ),
            _evidence(main),
            _links(service, main, state),
        ],
        className="qt-change",
    )


def _where(where: Row) -> str:
    name = _ATTRIBUTES.get(where["attribute"], where["attribute"])
    new = "new " if where["is_new"] else ""
    share = f"{format_percent(where['share_of_calls'])} of the calls"
    return f"Mostly {new}{name} {where['value']}: {share}, {format_percent(where['share_of_change'])} of the change. "


def _evidence(change: Row) -> Component:
    """Both numbers as bars of one scale."""
    now, usual = change["value"], change["usual_value"]
    most = max(now, usual) or 1.0
    is_time = change["unit"] == "ms"

    def bar(label: str, value: float, class_name: str) -> Component:
        return html.Div(
            [
                html.Span(label),
                html.I(className=class_name, style={"width": f"{max(1.5, 100 * value / most):.1f}%"}),
                html.B(format_duration_ms(value) if is_time else format_percent(value)),
            ]
        )

    calls = f"{format_count(change['calls'])} calls, {format_count(change['usual_calls'])} before"
    return html.Div(
        [
            bar("now", now, "qt-change-now qt-bad" if change["kind"] in _FAILING else "qt-change-now"),
            bar("before", usual, "qt-change-before"),
        ],
        className="qt-change-bars",
        title=f"{'Mean without the outer tenths' if is_time else 'Share of calls'}; {calls}",
    )


def _links(service: str, change: Row, state: ViewState) -> Component:
    traces = traces_link(
        state,
        service=change["operation_service_name"],
        operation=change["operation"] or None,
        status="error" if change["kind"] in _FAILING else None,
        order="slowest" if change["unit"] == "ms" else None,
    )
    links = [("Traces", traces), ("Map", services_link(state, focus=service, service=service))]
    if change["example_trace_id"]:
        links.insert(0, ("Example", trace_link(change["example_trace_id"])))
    links.append(("SQL", page_link("/sql", state, q=change["sql"])))
    return html.Div(
        [html.A(text, href=href, className="qt-link", **{"aria-label": f"{text}: {service}"}) for text, href in links],
        className="qt-change-links",
    )
