"""What is seen before Dash has started: the real frame with grey shapes in it, as plain HTML that works already."""

from __future__ import annotations

from dash import html

from quacktrace_dashboard.index import frame_html
from quacktrace_dashboard.page import Page
from quacktrace_dashboard.shell import navigation, toolbar
from quacktrace_dashboard.skeletons import skeleton_blocks, skeleton_tiles

__all__ = ["early_frame"]


def early_frame(pages: tuple[Page, ...]) -> str:
    """Return the frame's HTML; `assets/shell/99-start.js` removes it once Dash has drawn its own, which is alike."""
    return frame_html(
        html.Div(
            [
                html.Div(navigation(pages), className="qt-nav qt-early-nav"),
                html.Div(toolbar(), className="qt-toolbar qt-early-toolbar"),
                html.Div(
                    html.Div([skeleton_tiles(4), skeleton_blocks(220, 320)], className="qt-page qt-early-page"),
                    className="qt-content qt-early-content",
                ),
            ],
            className="qt-early",
        )
    )
