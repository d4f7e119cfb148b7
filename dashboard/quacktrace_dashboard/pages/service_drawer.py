"""The drawer of one service: its numbers, its operations, who calls it and whom it calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.figures.rates import rate_text
from quacktrace_dashboard.figures.service_map import NODE_FAILING, display_name
from quacktrace_dashboard.formatting import format_count, format_duration_ms, format_percent
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.links import logs_link, traces_link
from quacktrace_dashboard.map_search import graph_parameters, is_search
from quacktrace_dashboard.page import Viewer
from quacktrace_dashboard.pages.service_examples import example_traces, service_charts
from quacktrace_dashboard.palette import service_colour
from quacktrace_dashboard.query_terms import equals
from quacktrace_dashboard.show_sql import show_sql
from quacktrace_dashboard.state import ViewState

__all__ = ["service_drawer"]

_MAX_OPERATIONS = 25
_MAX_NEIGHBOURS = 25
_MAX_FACTS = 100
_OPEN_FACTS = 3


def service_drawer(
    client: QueryClient, state: ViewState, viewer: Viewer, service: str, *, slots: Mapping[str, int]
) -> list[Component | None]:
    """Ask the collector about a node of the map and lay the answer out; raises DashboardError."""
    from_ms, to_ms = state.time_range.resolve(viewer.now_ms)
    graph = client.get("/api/v1/graph", graph_parameters(state, from_ms, to_ms))
    node = next((node for node in graph["nodes"] if node["id"] == service), None)
    if node is None:
        return [
            _head(service, "service", state, slots),
            html.P(
                f"It had no calls in {'the traces that match' if is_search(state) else 'this time range'}.",
                className="qt-muted",
            ),
        ]
    seconds = float(graph["seconds"])
    is_service = node["kind"] == "service"
    operations: list[dict[str, Any]] = []
    details: dict[str, Any] = {}
    if is_service:
        parameters = {"from": from_ms, "to": to_ms}
        operations = client.get("/api/v1/operations", {"service": service, **parameters})["operations"]
        services = client.get("/api/v1/services", parameters)["services"]
        details = next((known for known in services if known["service_name"] == service), {})
    calls_out = [edge for edge in graph["edges"] if edge["client_service"] == service]
    calls_in = [edge for edge in graph["edges"] if edge["server_service"] == service]
    kinds = {other["id"]: other["kind"] for other in graph["nodes"]}

    def sql(panel: str, of: str, direction: str | None = None) -> Component:
        return show_sql(panel, of=of, from_=from_ms, to=to_ms, service=service, direction=direction)

    return [
        _head(service, node["kind"], state, slots),
        _numbers(node, {} if is_search(state) else details, seconds),
        html.P(
            "Numbers, callers and called are of the traces that match, the rest is of all.",
            className="qt-muted qt-drawer-note",
        )
        if is_search(state)
        else None,
        _actions(service, state, is_service=is_service),
        service_charts(client, state, viewer, service) if is_service else None,
        *(example_traces(client, state, viewer, service) if is_service else ()),
        _neighbours("Called by", calls_in, "client_service", kinds, state, seconds, sql("edges", "called by", "in")),
        _neighbours("Calls", calls_out, "server_service", kinds, state, seconds, sql("edges", "calls", "out")),
        _operations(operations, service, state, seconds, sql("operations", "operations")) if is_service else None,
        _facts(details, service, state),
    ]


def _head(service: str, kind: str, state: ViewState, slots: Mapping[str, int]) -> Component:
    name, note = display_name(service, kind)
    return html.Div(
        [
            html.I(className="qt-swatch", style={"background": service_colour(service, slots)}) if not note else None,
            html.Div([html.H2(name, title=service), html.Span(note or kind, className="qt-muted")]),
            html.A(
                icon("close"),
                href=state.with_params(service=None).to_search() or "?",
                className="qt-tool",
                title="Close (Esc)",
                **{"aria-label": "Close"},
            ),
        ],
        className="qt-drawer-head",
    )


def _numbers(node: Mapping[str, Any], details: Mapping[str, Any], seconds: float) -> Component:
    share = node["errors"] / node["calls"] if node["calls"] else 0.0
    is_failing = share >= NODE_FAILING
    numbers = (
        ("Calls", rate_text(node["calls"], seconds), f"{format_count(node['calls'])} in this range", False),
        ("Errors", format_percent(share), f"{format_count(node['errors'])} failed", is_failing),
        ("p50", format_duration_ms(node["p50_ms"]), "", False),
        ("p95", format_duration_ms(node["p95_ms"]), "", False),
        ("p99", format_duration_ms(details.get("p99_ms")), "", False),
    )
    return html.Dl(
        [
            html.Div([html.Dt(label), html.Dd(value)], title=hint, className="qt-number qt-bad" if bad else "qt-number")
            for label, value, hint, bad in numbers
            if value != "–"
        ],
        className="qt-numbers",
    )


def _actions(service: str, state: ViewState, *, is_service: bool) -> Component:
    links = [
        html.A(
            [icon("services"), "Focus"],
            href=state.with_params(focus=service, view=None).to_search(),
            className="qt-button",
        )
    ]
    if is_service:
        links = [
            html.A(
                [icon("traces"), "View traces"],
                href=traces_link(state, service=service),
                className="qt-button qt-button-primary",
            ),
            html.A(
                [icon("error"), "Failed"],
                href=traces_link(state, service=service, status="error"),
                className="qt-button",
            ),
            html.A([icon("logs"), "View logs"], href=logs_link(state, service=service), className="qt-button"),
            *links,
        ]
    return html.Div(links, className="qt-drawer-actions")


def _neighbours(
    title: str,
    edges: Iterable[Mapping[str, Any]],
    end: str,
    kinds: Mapping[str, str],
    state: ViewState,
    seconds: float,
    sql: Component,
) -> Component | None:
    ranked = sorted(edges, key=lambda edge: (-edge["errors"], -edge["calls"], edge[end]))
    if not ranked:
        return None
    rows = [
        html.Tr(
            [
                html.Td(
                    html.A(
                        " · ".join(part for part in display_name(edge[end], kinds.get(edge[end], "service")) if part),
                        href=state.with_params(service=edge[end]).to_search(),
                        title=edge[end],
                    )
                ),
                *_red_cells(edge, seconds),
            ]
        )
        for edge in ranked[:_MAX_NEIGHBOURS]
    ]
    return _table(title, len(ranked), _MAX_NEIGHBOURS, rows, sql)


def _operations(
    operations: list[dict[str, Any]], service: str, state: ViewState, seconds: float, sql: Component
) -> Component | None:
    if not operations:
        return None
    ranked = sorted(operations, key=lambda row: (-row["errors"], -row["calls"], row["operation"]))
    rows = [
        html.Tr(
            [
                html.Td(
                    [
                        html.A(
                            row["operation"] or "(no name)",
                            href=traces_link(state, service=service, operation=row["operation"] or None),
                            title=row["operation"],
                        ),
                        html.Small(row["kind"].lower(), className="qt-muted"),
                    ]
                ),
                *_red_cells(row, seconds),
            ]
        )
        for row in ranked[:_MAX_OPERATIONS]
    ]
    return _table("Operations", len(ranked), _MAX_OPERATIONS, rows, sql)


def _red_cells(row: Mapping[str, Any], seconds: float) -> list[Component]:
    share = row["errors"] / row["calls"] if row["calls"] else 0.0
    return [
        html.Td(rate_text(row["calls"], seconds)),
        html.Td(
            format_percent(share) if row["errors"] else "–", className="qt-error-text" if row["errors"] else "qt-muted"
        ),
        html.Td(format_duration_ms(row["p95_ms"])),
    ]


def _table(title: str, total: int, shown: int, rows: list[Component], sql: Component) -> Component:
    return html.Section(
        [
            html.H3(
                [
                    title,
                    html.Span(f"{min(total, shown)} of {total}" if total > shown else str(total), className="qt-muted"),
                    sql,
                ]
            ),
            html.Table(
                [
                    html.Thead(html.Tr([html.Th(head) for head in ("", "Calls", "Errors", "p95")])),
                    html.Tbody(rows),
                ],
                className="qt-small-table",
            ),
        ]
    )


def _facts(details: Mapping[str, Any], service: str, state: ViewState) -> Component | None:
    """Versions and instances, each of which leads to its traces."""
    facts = [
        (label, key, details.get(f"{key}s") or [])
        for label, key in (("Versions", "version"), ("Instances", "instance"))
    ]
    if not any(values for *_, values in facts):
        return None

    def links(key: str, values: list[str]) -> list[Component | str]:
        shown = [
            html.A(value, href=traces_link(state, service=service, q=equals(key, value)), className="qt-link")
            for value in values[:_MAX_FACTS]
        ]
        return [*shown, "…"] if len(values) > _MAX_FACTS else list(shown)

    return html.Section(
        [
            html.Details(
                [
                    html.Summary([html.B(label), html.Span(format_count(len(values)), className="qt-muted")]),
                    html.P(links(key, values)),
                ],
                open=len(values) <= _OPEN_FACTS,
            )
            for label, key, values in facts
            if values
        ],
        className="qt-facts",
    )
