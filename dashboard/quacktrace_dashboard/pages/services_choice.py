"""What stands above the map of hundreds: around which service it is drawn, and others worth looking at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.figures.service_map import display_name
from quacktrace_dashboard.formatting import format_count
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.state import ViewState

__all__ = ["too_many_services", "worst_node"]

_MOST_CHOICES = 5


def worst_node(nodes: Sequence[dict[str, Any]]) -> str:
    """The one with the most failed calls, then the most calls."""
    return str(min(nodes, key=lambda node: (-node["errors"], -node["calls"], node["id"]))["id"])


def too_many_services(nodes: Sequence[dict[str, Any]], shown: str, state: ViewState) -> Component:
    """A map of hundreds is a hairball: say around which one it is drawn, and offer the others worth starting from."""
    others = [node for node in nodes if node["id"] != shown]
    failing = sorted((node for node in others if node["errors"]), key=lambda node: (-node["errors"], node["id"]))
    busiest = sorted(others, key=lambda node: (-node["calls"], node["id"]))
    node = next(node for node in nodes if node["id"] == shown)
    why = "most failed calls" if node["errors"] else "most calls"
    return html.Div(
        [
            html.Div(
                [
                    html.H2(f"{format_count(len(nodes))} services are too many for one map"),
                    html.P(
                        [
                            "Shown is what is around ",
                            html.B(display_name(shown, node["kind"])[0]),
                            f", the one with the {why}.",
                        ]
                    ),
                    html.A(
                        [icon("table"), "All of them in a table"],
                        href=state.with_params(view="table").to_search(),
                        className="qt-link",
                    ),
                ],
                className="qt-choices-head",
            ),
            _choices("Most failed calls", failing, "errors", state),
            _choices("Most calls", busiest, "calls", state),
        ],
        className="qt-choices",
    )


def _choices(title: str, nodes: Sequence[dict[str, Any]], field: str, state: ViewState) -> Component | None:
    if not nodes:
        return None
    return html.Div(
        [
            html.H3(title),
            html.Ul(
                [
                    html.Li(
                        [
                            html.A(
                                display_name(node["id"], node["kind"])[0],
                                href=state.with_params(focus=node["id"]).to_search(),
                                title=f"Focus on {node['id']}",
                            ),
                            html.Span(format_count(node[field]), className="qt-muted"),
                        ]
                    )
                    for node in nodes[:_MOST_CHOICES]
                ]
            ),
        ]
    )
