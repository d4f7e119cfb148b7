"""Grey shapes in the places of what is on its way, so that a page is never blank and nothing jumps."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

__all__ = ["skeleton_blocks", "skeleton_tiles"]


def skeleton_blocks(*heights: int) -> Component:
    """Cards below each other, of these heights in pixels."""
    return html.Div(
        [html.Div(className="qt-skeleton", style={"height": height}) for height in heights],
        className="qt-stack",
        **{"aria-hidden": "true"},
    )


def skeleton_tiles(count: int) -> Component:
    """Number tiles beside each other."""
    return html.Div(
        [html.Div(className="qt-skeleton") for _ in range(count)],
        className="qt-skeleton-tiles",
        **{"aria-hidden": "true"},
    )
