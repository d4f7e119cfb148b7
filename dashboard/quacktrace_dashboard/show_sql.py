"""Show SQL: the link from a panel to the query that counts the same, with the panel's range frozen in it.

The collector writes the query (`GET /api/v1/panels/{panel}`) from the parameters that the panel asked its API with, and
the SQL page fetches it when the link is followed. In assets, `qt.showSql(panel, parameters)` makes the same link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.icons import icon
from quacktrace_dashboard.page import root_path

__all__ = ["panel_link", "show_sql", "show_sql_button"]


def panel_link(panel: str, **parameters: str | int | float | None) -> str:
    """The SQL page with the panel's query; `from` and `to` are given as `from_` and `to`. None is left out."""
    given = {name.rstrip("_"): value for name, value in parameters.items() if value not in (None, "")}
    return f"{root_path()}/sql?{urlencode({'panel': panel, **given})}"


def show_sql(panel: str, *, of: str, **parameters: str | int | float | None) -> Component:
    """The link at the end of a panel's head; `of` names the panel for those who cannot see where it stands."""
    return _link([icon("sql"), "SQL"], "qt-show-sql", panel, of, parameters)


def show_sql_button(panel: str, *, of: str, **parameters: str | int | float | None) -> Component:
    """The same as a button among a page's tools."""
    return _link([icon("sql"), "Show SQL"], "qt-button", panel, of, parameters)


def _link(
    content: Sequence[Component | str],
    class_name: str,
    panel: str,
    of: str,
    parameters: Mapping[str, str | int | float | None],
) -> Component:
    return html.A(
        content,
        href=panel_link(panel, **parameters),
        className=class_name,
        title=f"Show the SQL behind: {of}",
        **{"aria-label": f"Show SQL: {of}", "data-panel": panel},
    )
