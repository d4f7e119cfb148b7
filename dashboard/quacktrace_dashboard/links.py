"""Links from one page to another that keep the time range and carry filters."""

from __future__ import annotations

from urllib.parse import urlencode

from quacktrace_dashboard.page import root_path
from quacktrace_dashboard.state import ViewState

__all__ = ["logs_link", "page_link", "services_link", "trace_link", "traces_link"]


def page_link(path: str, state: ViewState, **params: str | None) -> str:
    """A page at the same time range, with only these parameters."""
    return f"{root_path()}{path}{state.only_range().with_params(**params).to_search()}"


def traces_link(state: ViewState, **params: str | None) -> str:
    return page_link("/traces", state, **params)


def logs_link(state: ViewState, **params: str | None) -> str:
    return page_link("/logs", state, **params)


def services_link(state: ViewState, **params: str | None) -> str:
    return page_link("/services", state, **params)


def trace_link(trace_id: str, *, span_id: str | None = None) -> str:
    query = f"?{urlencode({'span': span_id})}" if span_id else ""
    return f"{root_path()}/trace/{trace_id}{query}"
