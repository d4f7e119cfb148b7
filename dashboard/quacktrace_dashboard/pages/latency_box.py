"""The box that somebody dragged over the latency heatmap, and what sets the requests in it apart from the rest."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import DashboardError
from quacktrace_dashboard.formatting import format_count, format_duration_ms, format_percent
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.links import traces_link
from quacktrace_dashboard.page import current_viewer
from quacktrace_dashboard.query_terms import equals
from quacktrace_dashboard.show_sql import show_sql
from quacktrace_dashboard.state import ViewState

__all__ = ["LatencyBox", "box_of", "latency_box", "register_latency_box"]

_MOST_KEYS = 8
_MOST_VALUES = 3
_REQUESTS = "kind = server or kind = consumer or parent_span_id absent"
"""What the heatmap counts, as near as the query language comes to it."""
_NAMES = {"service": "service", "name": "operation", "kind": "kind", "status": "status"}
_SAME_AS = {"service.name": "service"}
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class LatencyBox:
    """Requests that start in `[from_ms, to_ms)` and take from `shortest_ms` to `longest_ms`."""

    from_ms: int
    to_ms: int
    shortest_ms: float
    longest_ms: float

    @property
    def durations(self) -> dict[str, str]:
        """As parameters of a search."""
        return {"min_duration": f"{self.shortest_ms:g}ms", "max_duration": f"{self.longest_ms:g}ms"}

    def figure_range(self, zone: tzinfo) -> dict[str, Any]:
        """The corners where the heatmap has them: local times, and logarithms of milliseconds."""
        times = [datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone) for ms in (self.from_ms, self.to_ms)]
        x0, x1 = (moment.strftime("%Y-%m-%dT%H:%M:%S.%f") for moment in times)
        return {"x0": x0, "x1": x1, "y0": math.log10(self.shortest_ms), "y1": math.log10(self.longest_ms)}


def box_of(state: ViewState) -> LatencyBox | None:
    """The box that a link names; None for none, and for one that makes no sense."""
    texts = [state.get(name) or "" for name in ("x0", "x1", "y0", "y1")]
    if not all(_NUMBER.fullmatch(text) for text in texts):
        return None
    x0, x1, y0, y1 = (float(text) for text in texts)
    return LatencyBox(int(x0), int(x1), y0, y1) if x0 < x1 <= 253e12 and 0 < y0 < y1 else None


def latency_box() -> Component:
    """The card below the heatmaps, hidden until a box is drawn."""
    return html.Section(
        id="hotspots-box",
        className="qt-card qt-section",
        hidden=True,
        **{"aria-label": "The box against the rest", "data-live-pause": "true"},
    )


def register_latency_box(app: Dash, client: QueryClient) -> None:
    @app.callback(
        Output("hotspots-box", "children"),
        Output("hotspots-box", "hidden"),
        Input("shell-url", "search"),
    )
    def show_box(search: str | None) -> tuple[list[Component], bool]:
        state, viewer = ViewState.from_search(search), current_viewer()
        box = box_of(state)
        if box is None:
            return [], True
        from_ms, to_ms = state.time_range.resolve(viewer.now_ms)
        whole = {"q": _REQUESTS, "service": state.get("service")}
        chosen = {**whole, **box.durations, "from": box.from_ms, "to": box.to_ms}
        try:
            found = client.post(
                "/api/v1/compare", {"from": from_ms, "to": to_ms, "selection": chosen, "baseline": whole}
            )
        except DashboardError as error:
            return [_head(box, state, viewer.zone, None), _quiet(f"It could not be compared: {error.message}")], False
        head = _head(box, state, viewer.zone, found)
        if found["not_enough_because"]:
            return [head, _quiet(f"Nothing to compare: {found['not_enough_because']}.")], False
        keys = _by_key(found["values"])
        numbers = [number for number in found["numbers"] if number["key"] != "duration_ms"]
        if not keys and not numbers:
            return [head, _quiet("No attribute differs beyond chance: these requests are like the others.")], False
        inside = state.with_range(box.from_ms, box.to_ms)
        parts = [_key(scope, key, rows, inside, box) for (scope, key), rows in keys[:_MOST_KEYS]]
        body = [head, html.Div([*parts, *(_number(number) for number in numbers[:_MOST_KEYS])], className="qt-differs")]
        if len(keys) > _MOST_KEYS:
            rest = [_key(scope, key, rows, inside, box) for (scope, key), rows in keys[_MOST_KEYS:]]
            summary = html.Summary(f"{len(rest)} more")
            body.append(html.Details([summary, html.Div(rest, className="qt-differs")], className="qt-differs-more"))
        return body, False


def _head(box: LatencyBox, state: ViewState, zone: tzinfo, found: Row | None) -> Component:
    first, last = (
        datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).strftime("%H:%M:%S") for ms in (box.from_ms, box.to_ms)
    )
    said = f"{format_duration_ms(box.shortest_ms)} to {format_duration_ms(box.longest_ms)}, {first} to {last}"
    if found and not found["not_enough_because"]:
        inside, others = (format_count(found[side]["spans"]) for side in ("selection", "baseline"))
        said = f"{inside} requests of {said} against {others} others."
    listed = traces_link(
        state.with_range(box.from_ms, box.to_ms), scope="entry", service=state.get("service"), **box.durations
    )
    return html.Div(
        [
            html.H2("The box against the rest"),
            html.Span(said, className="qt-muted"),
            html.Span(
                [html.I(className="qt-differs-in"), "in the box", html.I(className="qt-differs-out"), "others"],
                className="qt-differs-legend",
                **{"aria-hidden": "true"},
            ),
            html.A("View these traces", href=listed, className="qt-button qt-button-primary"),
            show_sql(
                "spans",
                of="the requests in the box",
                from_=box.from_ms,
                to=box.to_ms,
                scope="entry",
                service=state.get("service"),
                **box.durations,
            ),
            html.A(
                icon("close"),
                href=state.with_params(x0=None, x1=None, y0=None, y1=None).to_search() or "?",
                className="qt-tool",
                title="Forget the box",
                **{"aria-label": "Forget the box"},
            ),
        ],
        className="qt-card-head",
    )


def _quiet(text: str) -> Component:
    return html.P(text, className="qt-muted qt-card-empty")


def _by_key(values: list[dict[str, Any]]) -> list[tuple[tuple[str, str], list[dict[str, Any]]]]:
    """Values of one key together, in the order in which the API ranks the first of each."""
    keys: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for value in values:
        if value["key"] not in _SAME_AS:
            keys.setdefault((value["scope"], value["key"]), []).append(value)
    return list(keys.items())


def _key(scope: str, key: str, rows: list[dict[str, Any]], inside: ViewState, box: LatencyBox) -> Component:
    shown = [_value(scope, key, row, inside, box) for row in rows[:_MOST_VALUES]]
    rest = len(rows) - len(shown)
    return html.Section(
        [
            html.H3(
                [
                    _NAMES.get(key, key),
                    html.Small(f"and {rest} more value{'' if rest == 1 else 's'}", className="qt-muted")
                    if rest
                    else None,
                ]
            ),
            html.Ul(shown),
        ],
        className="qt-differs-key",
    )


def _value(scope: str, key: str, row: Row, inside: ViewState, box: LatencyBox) -> Component:
    share, usual = row["share"], row["baseline_share"]

    def bar(value: float, class_name: str) -> Component:
        return html.I(className=class_name, style={"width": f"{max(0.8, 100 * value):.1f}%"})

    term = equals(key if scope == "intrinsic" else f"{scope}.{key}", row["value"])
    href = traces_link(inside, scope="entry", q=term, **box.durations)
    said = f"{format_percent(share)} in the box, {format_percent(usual)} of the others"
    return html.Li(
        html.A(
            [
                html.Span(row["value"] or "(empty)", className="qt-differs-value"),
                html.Span([bar(share, "qt-differs-in"), bar(usual, "qt-differs-out")], className="qt-differs-bars"),
                html.B(format_percent(share)),
                html.Span(format_percent(usual), className="qt-muted"),
            ],
            href=href,
            title=f"{key} = {row['value']}\n{said}",
            **{"aria-label": f"{key} {row['value']}: {said}"},
        )
    )


def _number(number: Row) -> Component:
    def row(text: str, half: str, most: str) -> Component:
        values = (f"{value:,.4g}" if value is not None else "–" for value in (number[half], number[most]))
        return html.Tr([html.Td(text), *(html.Td(value) for value in values)])

    return html.Section(
        [
            html.H3(number["key"]),
            html.Table(
                [
                    html.Thead(html.Tr([html.Th(text) for text in ("", "p50", "p95")])),
                    html.Tbody([row("in the box", "p50", "p95"), row("others", "baseline_p50", "baseline_p95")]),
                ],
                className="qt-small-table",
            ),
        ],
        className="qt-differs-key",
    )
