"""What stands in the place of a map of hundreds: the services worth starting from."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.figures.service_map import display_name
from quacktrace_dashboard.formatting import format_count
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.state import ViewState

__all__ = ["too_many_services"]


def too_many_services(nodes: list[dict[str, Any]], state: ViewState) -> Component:
    """A map of hundreds is a hairball: offer the places worth starting from instead."""
    failing = sorted((node for node in nodes if node["errors"]), key=lambda node: (-node["errors"], node["id"]))[:8]
    busiest = sorted(nodes, key=lambda node: (-node["calls"], node["id"]))[:8]
    return html.Div(
        [
            html.H2(f"{format_count(len(nodes))} services are too many for one map"),
            html.P(
                "Pick one: the map shows what it calls and what calls it, two steps each way.", className="qt-muted"
            ),
            html.Div(
                [
                    _choices("Most failed calls", failing, "errors", state),
                    _choices("Most calls", busiest, "calls", state),
                ],
                className="qt-choices",
            ),
            html.A(
                [icon("table"), "All of them in a table"],
                href=state.with_params(view="table").to_search(),
                className="qt-button",
            ),
        ],
        className="qt-state",
    )


def _choices(title: str, nodes: list[dict[str, Any]], field: str, state: ViewState) -> Component | None:
    if not nodes:
        return None
    return html.Section(
        [
            html.H3(title),
            html.Ul(
                [
                    html.Li(
                        [
                            html.A(
                                display_name(node["id"], node["kind"])[0],
                                href=state.with_params(focus=node["id"]).to_search(),
                            ),
                            html.Span(format_count(node[field]), className="qt-muted"),
                        ]
                    )
                    for node in nodes
                ]
            ),
        ]
    )
