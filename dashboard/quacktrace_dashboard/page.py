"""What a page is, and what it is told about the one who asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import flask
from dash import Dash
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.formatting import browser_zone

__all__ = ["ZONE_COOKIE", "Page", "Viewer", "current_viewer", "forwarded_headers", "match_page", "root_path"]

ZONE_COOKIE = "quacktrace_zone"
_ROOT_COOKIE = "quacktrace_root"
_ROOT = re.compile(r"(/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True)
class Page:
    """One page of the dashboard; `pages/__init__.py` lists them all.

    `layout` gets the variables of the path and returns the page's skeleton without asking the collector; `register`
    adds the callbacks that fill it, which take `Input("shell-url", "search")` and `Input("shell-refresh", "data")`.
    Every id on the page begins with `id_prefix`.
    """

    path: str
    """`/traces`, or `/trace/<trace_id>` with a variable as the last segment."""
    title: str
    id_prefix: str
    layout: Callable[[Mapping[str, str]], Component]
    register: Callable[[Dash, QueryClient], None]
    icon: str = ""
    """An icon of `assets/shell/91-icons.css`; a page without one is not in the navigation."""
    key: str = ""
    """The letter that opens the page after `g`."""


@dataclass(frozen=True)
class Viewer:
    """Who is looking: when, and from which zone."""

    now: datetime
    zone: tzinfo

    @property
    def now_ms(self) -> int:
        return int(self.now.timestamp() * 1000)


def current_viewer() -> Viewer:
    """Describe the browser behind the callback that is running."""
    return Viewer(datetime.now(UTC), browser_zone(flask.request.cookies.get(ZONE_COOKIE)))


def forwarded_headers() -> dict[str, str]:
    """Return the headers that say who asks, so that the collector checks access to data and not the dashboard."""
    if not flask.has_request_context():
        return {}
    return {name: value for name in ("Authorization", "Cookie") if (value := flask.request.headers.get(name))}


def root_path() -> str:
    """Return the path that the browser sees before ours, "" without a reverse proxy; only the browser knows it."""
    if not flask.has_request_context():
        return ""
    root = flask.request.cookies.get(_ROOT_COOKIE, "")
    return root if _ROOT.fullmatch(root) else ""


def match_page(pages: tuple[Page, ...], pathname: str) -> tuple[Page, dict[str, str]] | None:
    """Find the page of a path and the value of the variable in it."""
    path = "/" + pathname.strip("/")
    for page in pages:
        head, is_variable, name = page.path.partition("<")
        if not is_variable:
            if path == page.path:
                return page, {}
        elif path.startswith(head) and "/" not in path[len(head) :]:
            return page, {name.removesuffix(">"): path[len(head) :]}
    return None
