"""The services page's tools: map or table, how far around a service, only what fails, back from a namespace."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.figures.service_map import FOCUS_HOPS
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.map_search import is_search, search_words, without_search
from quacktrace_dashboard.show_sql import show_sql_button
from quacktrace_dashboard.state import ViewState

__all__ = ["HOPS", "focus_hops", "services_tools"]

HOPS = (1, 2, 3)


def focus_hops(state: ViewState) -> int:
    """How many calls away from the focus the map reaches."""
    asked = state.get("hops") or ""
    return int(asked) if asked in {str(hops) for hops in HOPS} else FOCUS_HOPS


def services_tools(
    state: ViewState, from_ms: int, to_ms: int, *, is_focused: bool | None = None
) -> list[Component | None]:
    """`is_focused` is whether the map is drawn around a service; None: if the link says so."""
    is_table = state.get("view") == "table"
    is_failing_only = state.get("failing") == "1"
    hops = focus_hops(state)
    has_hops = not is_table and (state.get("focus") is not None if is_focused is None else is_focused)
    steps = [
        (str(step), state.with_params(hops=str(step) if step != FOCUS_HOPS else None).to_search(), step == hops)
        for step in HOPS
    ]
    kinds = [
        (label, state.with_params(view=value).to_search(), (value == "table") == is_table)
        for label, value in (("Map", None), ("Table", "table"))
    ]
    return [
        _search(state),
        _namespace(state),
        _segments("Calls away from the focus", steps, prefix="Hops") if has_hops else None,
        html.A(
            [icon("error"), "Failing only"],
            href=state.with_params(failing=None if is_failing_only else "1").to_search() or "?",
            className="qt-button qt-toggle",
            role="button",
            title="Only what fails, and the calls that fail",
            **{"aria-pressed": "true" if is_failing_only else "false"},
        ),
        _segments("Map or table", kinds),
        show_sql_button(
            "services" if is_table else "edges",
            of="services" if is_table else "map",
            from_=from_ms,
            to=to_ms,
        )
        if not is_search(state)
        else None,
    ]


def _search(state: ViewState) -> Component | None:
    if not is_search(state):
        return None
    words = search_words(state)
    back = html.A(
        icon("close"),
        href=without_search(state).to_search() or "?",
        **{"aria-label": "The map of all traces"},
    )
    return html.Span([html.Span(words), back], className="qt-chip qt-map-search", title=f"Traces that match: {words}")


def _namespace(state: ViewState) -> Component | None:
    namespace = state.get("namespace")
    if namespace is None:
        return None
    back = html.A(
        icon("close"),
        href=state.with_params(namespace=None).to_search() or "?",
        **{"aria-label": f"All namespaces, not only {namespace}"},
    )
    return html.Span([html.Span(namespace), back], className="qt-chip")


def _segments(label: str, choices: Sequence[tuple[str, str, bool]], *, prefix: str = "") -> Component:
    return html.Div(
        [
            html.Span(prefix, className="qt-segments-label") if prefix else None,
            *(
                html.A(
                    text,
                    href=search or "?",
                    className="qt-segment",
                    **{"aria-current": "true" if is_current else "false"},
                )
                for text, search, is_current in choices
            ),
        ],
        className="qt-segments",
        role="group",
        **{"aria-label": label},
    )
