"""The first page's RED row of every service, against the time before: `assets/overview/31-service-table.js`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.formatting import format_count
from quacktrace_dashboard.links import services_link
from quacktrace_dashboard.state import ViewState
from quacktrace_dashboard.wrong_now import error_change

__all__ = ["service_rows", "services_head"]

_MAX_SERVICES = 15


def services_head(services: Sequence[Mapping[str, Any]], state: ViewState, *, sql: Component) -> list[Component]:
    shown = min(len(services), _MAX_SERVICES)
    hint = f"The {shown} with the most failed calls of {format_count(len(services))}." if len(services) > shown else ""
    return [
        html.H2("Services"),
        html.Span(hint, className="qt-muted"),
        html.A("Map", href=services_link(state), className="qt-link"),
        html.A("Table", href=services_link(state, view="table"), className="qt-link"),
        sql,
    ]


def service_rows(
    services: Sequence[Mapping[str, Any]], previous: Sequence[Mapping[str, Any]], hotspots: Mapping[str, Any]
) -> list[dict[str, Any]]:
    known = {service["service_name"]: service for service in previous}
    errors = hotspots["errors"]
    series = {
        name: (calls, failed)
        for name, calls, failed in zip(errors["services"], errors["calls"], errors["errors"], strict=True)
    }
    worst = sorted(services, key=lambda row: (-row["errors"], -row["calls"], row["service_name"]))[:_MAX_SERVICES]
    rows = []
    for service in worst:
        name = service["service_name"]
        before = known.get(name, {})
        rows.append(
            {
                **{key: service[key] for key in ("service_name", "calls_per_s", "error_rate", "p50_ms", "p95_ms")},
                "call_series": series.get(name, ([], []))[0],
                "error_series": series.get(name, ([], []))[1],
                "error_change": error_change(
                    service["errors"], service["calls"], before.get("errors", 0), before.get("calls", 0)
                ),
                "p95_change": [service["p95_ms"], before.get("p95_ms")],
            }
        )
    return rows
