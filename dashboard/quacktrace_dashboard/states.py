"""What a page shows when it has nothing to show: an error, no data, no data in this range, no such page."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.errors import DashboardError
from quacktrace_dashboard.first_run import first_run
from quacktrace_dashboard.formatting import format_age, format_datetime, parse_time, to_milliseconds
from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.page import Viewer, root_path
from quacktrace_dashboard.state import ViewState

__all__ = ["empty_state", "error_card", "no_data", "not_found", "silence"]

_NEWEST_MS = 3_600_000
_QUIET_S = 300


def error_card(error: DashboardError) -> Component:
    """Say what went wrong in the collector's own words, and offer to try again."""
    details = f"{error.message} {error.hint}".strip()
    return html.Div(
        [
            icon("alert", class_name="qt-state-icon qt-error-text"),
            html.H2("This could not be loaded"),
            html.P(error.message),
            html.P(error.hint, className="qt-muted") if error.hint else None,
            html.Div(
                [
                    html.Button(
                        [icon("refresh"), "Try again"],
                        className="qt-button qt-button-primary",
                        type="button",
                        **{"data-action": "refresh"},
                    ),
                    html.Button(
                        [icon("copy"), "Copy details"],
                        className="qt-button",
                        type="button",
                        **{"data-action": "copy", "data-copy": details},
                    ),
                ],
                className="qt-state-actions",
            ),
        ],
        className="qt-state",
        role="alert",
    )


def empty_state(title: str, explanation: str, *actions: Component) -> Component:
    """Say why there is nothing, and what to do about it."""
    return html.Div(
        [
            icon("empty", class_name="qt-state-icon"),
            html.H2(title),
            html.P(explanation, className="qt-muted"),
            html.Div(list(actions), className="qt-state-actions") if actions else None,
        ],
        className="qt-state",
    )


def no_data(answer: dict[str, Any], state: ViewState, viewer: Viewer, *, what: str, is_filtered: bool) -> Component:
    """Explain an empty answer: nothing was ever received, it lies outside this range, or the filters hide it."""
    data_from, data_to = answer.get("data_from"), answer.get("data_to")
    if not data_from or not data_to:
        return first_run()
    start, end = to_milliseconds(data_from), to_milliseconds(data_to) + 1
    range_from, range_to = state.time_range.resolve(viewer.now_ms)
    newest = html.A(
        [icon("clock"), "Go to the newest"],
        href=state.with_range(max(start, end - _NEWEST_MS), end).to_search(),
        className="qt-button qt-button-primary",
    )
    whole = html.A(
        [icon("calendar"), "Show the range that has data"],
        href=state.with_range(start, end).to_search(),
        className="qt-button",
    )
    if start < range_to and range_from < end:
        if not is_filtered:
            return empty_state(f"No {what} in this time range", _extent(data_from, data_to, viewer), newest, whole)
        clear = html.A(
            [icon("close"), "Clear the filters"],
            href=state.only_range().to_search() or "?",
            className="qt-button qt-button-primary",
        )
        return empty_state(f"No {what} match these filters", "Loosen a filter, or look at a longer time.", clear)
    return empty_state(f"No {what} in this time range", _extent(data_from, data_to, viewer), newest, whole)


def _extent(data_from: str, data_to: str, viewer: Viewer) -> str:
    first, last = (format_datetime(parse_time(text), viewer.zone) for text in (data_from, data_to))
    return f"The newest data is from {last}, the oldest from {first}."


def silence(data_to: str | None, state: ViewState, viewer: Viewer) -> str:
    """That nothing has come for a while, for pages that show the present; "" while spans come in."""
    if data_to is None or state.time_range.is_absolute:
        return ""
    newest = parse_time(data_to)
    is_quiet = (viewer.now - newest).total_seconds() > _QUIET_S
    return f"the newest span is from {format_age(newest, now=viewer.now)}" if is_quiet else ""


def not_found(pathname: str) -> Component:
    return empty_state(
        "There is no such page",
        f"Nothing lives at {pathname}.",
        html.A(
            [icon("traces"), "Go to the traces"], href=f"{root_path()}/traces", className="qt-button qt-button-primary"
        ),
    )
