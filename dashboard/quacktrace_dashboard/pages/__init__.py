"""Every page of the dashboard, in the order of the navigation."""

from __future__ import annotations

from quacktrace_dashboard.page import Page
from quacktrace_dashboard.pages import hotspots, logs, overview, services, sql, trace, traces

__all__ = ["PAGES"]

PAGES: tuple[Page, ...] = (overview.PAGE, services.PAGE, traces.PAGE, trace.PAGE, hotspots.PAGE, logs.PAGE, sql.PAGE)
