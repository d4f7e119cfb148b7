"""The frame around every page: navigation, search, time range, live updates, theme, shortcuts.

The shell never changes once it is drawn. What its controls do is in `assets/shell/05-shell.js`, found by `data-action`,
so that a click on a time range is a change of the URL and not a round trip.
"""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.page import Page
from quacktrace_dashboard.state import RANGE_CHOICES

__all__ = ["navigation", "shell_layout", "toolbar"]

_FONT = (
    '"Inter Variable", Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", '
    '"Noto Sans", "Liberation Sans", Arial, sans-serif'
)
_MONOSPACE = 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace'
_TEAL = ["#e3f8fa", "#cdeef1", "#9edde3", "#6bcad4", "#42bac7", "#27b0be", "#0f9aa8", "#0b7f8b", "#0a6a75", "#06525b"]
_DARK = ["#e6e9ee", "#c3cad4", "#98a2b0", "#6f7a89", "#3a424e", "#2a3039", "#1b1f26", "#14171c", "#0f1216", "#0b0d10"]
_THEME = {
    "fontFamily": _FONT,
    "fontFamilyMonospace": _MONOSPACE,
    "primaryColor": "teal",
    "primaryShade": {"light": 7, "dark": 4},
    "colors": {"teal": _TEAL, "dark": _DARK},
    "defaultRadius": "sm",
    "fontSizes": {"xs": "0.75rem", "sm": "0.8125rem", "md": "0.875rem", "lg": "1rem", "xl": "1.125rem"},
}

_SHORTCUTS = (
    ("/", "Search, or paste a trace id"),
    ("l", "Live updates on or off"),
    ("r", "Refresh"),
    ("[  ]", "Earlier, later"),
    ("y", "Copy a link to exactly this view"),
    ("t", "Light, dark or the system's theme"),
    ("?", "This list"),
    ("Esc", "Close"),
)
_TRACE_SHORTCUTS = (
    ("↑ ↓  j k", "Previous, next span"),
    ("← →", "Collapse, expand"),
    ("Enter", "Details of the span"),
    ("e  E", "Next, previous error"),
    ("c", "Next span on the critical path"),
    ("f", "Find in this trace; n p for next, previous match"),
    ("+ -", "Expand, collapse one level"),
    ("z  Z", "Zoom to the span, zoom out; Ctrl and wheel zoom"),
    ("1 … 5", "Waterfall, flame graph, spans, map, logs"),
)


def shell_layout(pages: tuple[Page, ...]) -> Component:
    """Return the frame, with an empty `shell-content` for the page."""
    return dmc.MantineProvider(
        [
            dcc.Location(id="shell-url", refresh="callback-nav"),
            dcc.Store(id="shell-refresh", data=0),
            dcc.Store(id="shell-slots", data={}),
            dcc.Store(id="shell-title", data=""),
            html.A("Skip to content", href="#shell-content", className="qt-skip-link"),
            dmc.AppShell(
                [
                    dmc.AppShellNavbar(navigation(pages), className="qt-nav"),
                    dmc.AppShellHeader(toolbar(), className="qt-toolbar"),
                    dmc.AppShellMain(
                        [
                            html.Div(
                                [icon("alert"), html.Span("The collector does not answer. Trying again…")],
                                id="shell-unreachable",
                                className="qt-banner",
                                hidden=True,
                                role="status",
                            ),
                            html.Div(id="shell-problems", className="qt-banner-problems", hidden=True, role="alert"),
                            html.Div(id="shell-content", className="qt-content", tabIndex="-1"),
                        ]
                    ),
                ],
                layout="alt",
                header={"height": 52},
                navbar={"width": {"base": 60, "lg": 196}, "breakpoint": 0},
                padding=0,
            ),
            _help_dialog(pages),
            html.Div(id="shell-toasts", className="qt-toasts", role="status", **{"aria-live": "polite"}),
        ],
        theme=_THEME,
        defaultColorScheme="auto",
    )


def navigation(pages: tuple[Page, ...]) -> list[Component]:
    """Return the links to the pages."""
    return [
        html.A(
            [html.I(className="qt-logo"), html.Span("quacktrace")],
            href="/",
            className="qt-brand",
            title="quacktrace",
            **{"data-nav": "/"},
        ),
        html.Nav(
            [
                html.A(
                    [icon(page.icon), html.Span(page.title), html.Kbd(f"g {page.key}")],
                    href=page.path,
                    className="qt-nav-link",
                    title=page.title,
                    **{"data-nav": page.path, "data-key": page.key},
                )
                for page in pages
                if page.icon
            ],
            **{"aria-label": "Pages"},
        ),
        html.Div(id="shell-health", className="qt-health"),
    ]


def toolbar() -> Component:
    """Return what stands above every page."""
    return html.Div(
        [
            # Its input is made by the asset: Dash's own moves the caret while somebody types on a busy machine.
            html.Div(id="shell-search-box", className="qt-search", role="search"),
            html.Div(
                [
                    *(
                        html.Button(
                            choice,
                            className="qt-segment",
                            type="button",
                            title=f"The last {choice}",
                            **{"data-action": "range", "data-range": choice, "aria-pressed": "false"},
                        )
                        for choice in RANGE_CHOICES
                    ),
                    html.Button(
                        [icon("calendar"), html.Span("Custom", id="shell-range-label")],
                        id="shell-range-custom",
                        className="qt-segment",
                        type="button",
                        title="A time range of your own",
                        **{"data-action": "range-custom", "aria-pressed": "false", "aria-haspopup": "dialog"},
                    ),
                    html.Div(id="shell-range-form"),
                ],
                className="qt-segments",
                role="group",
                **{"aria-label": "Time range"},
            ),
            html.Button(
                [html.I(className="qt-live-dot"), html.Span("Live", id="shell-live-label")],
                id="shell-live",
                className="qt-live",
                type="button",
                title="Live updates (l)",
                **{"data-action": "live", "aria-pressed": "true"},
            ),
            html.Div(
                [
                    _tool("refresh", "refresh", "Refresh (r)"),
                    _tool("copy-link", "link", "Copy a link to exactly this view (y)"),
                    _tool("theme", "theme", "Theme (t)"),
                    _tool("help", "help", "Keyboard shortcuts (?)"),
                ],
                className="qt-tools",
            ),
        ],
        className="qt-toolbar-row",
    )


def _tool(action: str, icon_name: str, label: str) -> html.Button:
    return html.Button(
        icon(icon_name),
        id=f"shell-tool-{action}",
        className="qt-tool",
        type="button",
        title=label,
        **{"data-action": action, "aria-label": label},
    )


def _help_dialog(pages: tuple[Page, ...]) -> html.Dialog:
    go_to = tuple((f"g {page.key}", page.title) for page in pages if page.key)
    return html.Dialog(
        [
            html.Div(
                [
                    html.H2("Keyboard shortcuts"),
                    html.Button(
                        icon("close"),
                        className="qt-tool",
                        type="button",
                        **{"data-action": "close-dialog", "aria-label": "Close"},
                    ),
                ],
                className="qt-dialog-head",
            ),
            html.Div(
                [
                    _shortcut_list("Everywhere", _SHORTCUTS),
                    _shortcut_list("Go to", go_to),
                    _shortcut_list("In a trace", _TRACE_SHORTCUTS),
                ],
                className="qt-shortcuts",
            ),
        ],
        id="shell-help-dialog",
        className="qt-dialog",
        **{"aria-label": "Keyboard shortcuts"},
    )


def _shortcut_list(title: str, shortcuts: tuple[tuple[str, str], ...]) -> html.Section:
    rows = [
        html.Div([html.Dt([html.Kbd(key) for key in keys.split()]), html.Dd(meaning)]) for keys, meaning in shortcuts
    ]
    return html.Section([html.H3(title), html.Dl(rows)])
