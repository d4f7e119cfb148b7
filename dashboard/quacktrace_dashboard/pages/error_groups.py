"""Error groups as a list: what failed, where it started, how often and how lately."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.formatting import format_age, format_count, parse_time
from quacktrace_dashboard.links import trace_link, traces_link
from quacktrace_dashboard.page import Viewer
from quacktrace_dashboard.palette import service_colour
from quacktrace_dashboard.state import ViewState

__all__ = ["error_group_list", "sparkline"]

_MOST_ENTRY_POINTS = 3
_MOST_SAMPLES = 3
LEAST_FOR_ONLY = 5
"""Failures from which on it is no chance that all of them come from one of several versions or instances."""


def error_group_list(
    groups: Iterable[Mapping[str, Any]],
    viewer: Viewer,
    *,
    slots: Mapping[str, int],
    services: Iterable[Mapping[str, Any]],
    state: ViewState | None = None,
) -> Component:
    """One row a group; the row opens the group's example at the span where it began.

    `services` says which versions and instances each service has, for groups that come from one of them alone. With the
    `state` of a page each row also says when the group was first seen, what it broke, and links to its traces.
    """
    known = {service["service_name"]: service for service in services}
    rows = [
        html.Li(
            [
                _group(group, viewer, slots, _only(group, known.get(group["service_name"], {}))),
                _reach(group, viewer, slots, state) if state else None,
            ]
        )
        for group in groups
    ]
    return html.Ul(rows, className="qt-error-groups")


def _short_type(exception_type: str) -> str:
    """The class without its modules: what tells it apart is at the end, where a narrow column would cut it off."""
    head, _, name = exception_type.rpartition(".")
    is_path = name.isidentifier() and all(part.isidentifier() for part in head.split("."))
    return name if is_path else exception_type or "Error"


def _only(group: Mapping[str, Any], service: Mapping[str, Any]) -> str | None:
    """The one version, or the one instance, that fails while others of the same service do not."""
    if group["count"] < LEAST_FOR_ONLY:
        return None
    for field, word in (("versions", "version"), ("instances", "instance")):
        failing, others = group.get(field) or [], service.get(field) or []
        if len(failing) == 1 and len(others) > 1:
            return f"only {word} {failing[0]} of {len(others)}"
    return None


def _group(group: Mapping[str, Any], viewer: Viewer, slots: Mapping[str, int], only: str | None) -> Component:
    traces = group["traces"]
    where = " · ".join(part for part in (group["operation"], group.get("frame")) if part)
    return html.A(
        [
            html.Span(
                [
                    html.B(_short_type(group["exception_type"])),
                    html.Span(group["message"] or "no message", className="qt-error-message"),
                    html.Span(html.Span(only), className="qt-chip qt-error-only", title=only) if only else None,
                ],
                className="qt-error-what",
            ),
            html.Span(
                [
                    html.I(className="qt-swatch", style={"background": service_colour(group["service_name"], slots)}),
                    html.Span(group["service_name"]),
                    html.Span(where, className="qt-muted qt-error-where"),
                ],
                className="qt-error-place",
            ),
            sparkline(group.get("series") or []),
            html.Span(
                [
                    html.B(format_count(group["count"])),
                    html.Small(
                        f"in {format_count(traces)} trace{'' if traces == 1 else 's'}, "
                        f"{format_age(parse_time(group['last_seen']), now=viewer.now)}",
                        className="qt-muted",
                    ),
                ],
                className="qt-error-count",
            ),
        ],
        href=trace_link(group["example_trace_id"], span_id=group.get("example_span_id")),
        title=f"{group['exception_type']}: {group['message']}",
    )


def _reach(group: Mapping[str, Any], viewer: Viewer, slots: Mapping[str, int], state: ViewState) -> Component:
    """When it was first seen, and the entry points whose traces hold it."""
    broken = group.get("entry_points") or []
    shown = [
        html.A(
            [
                html.I(className="qt-swatch", style={"background": service_colour(root["service_name"], slots)}),
                f"{root['service_name']} {root['operation']}",
                html.B(_outcome(root)),
            ],
            href=traces_link(state, service=root["service_name"], operation=root["operation"] or None),
        )
        for root in broken[:_MOST_ENTRY_POINTS]
    ]
    more = len(broken) - len(shown)
    return html.Div(
        [
            html.Span(
                f"first seen {format_age(parse_time(group['first_seen']), now=viewer.now)},"
                f" last {format_age(parse_time(group['last_seen']), now=viewer.now)}"
            ),
            html.Span("breaks" if shown else ""),
            *shown,
            html.Span(f"and {more} more") if more > 0 else None,
            html.Span(["samples", *_samples(group, viewer)], className="qt-error-samples"),
            html.A(
                "All its traces",
                href=traces_link(
                    state, service=group["service_name"], operation=group["operation"] or None, status="error"
                ),
                className="qt-link",
            ),
        ],
        className="qt-error-reach",
    )


def _samples(group: Mapping[str, Any], viewer: Viewer) -> list[Component]:
    """Links to its newest failures, one a trace."""
    return [
        html.A(
            f"{parse_time(sample['time']).astimezone(viewer.zone):%H:%M:%S}",
            href=trace_link(sample["trace_id"], span_id=sample["span_id"]),
            className="qt-link",
            title=f"Failed {format_age(parse_time(sample['time']), now=viewer.now)}",
        )
        for sample in (group.get("samples") or [])[:_MOST_SAMPLES]
    ]


def _outcome(root: Mapping[str, Any]) -> str:
    """How many of an entry point's traces with the failure ended in an error themselves."""
    traces, failed = root["traces"], root["failed"]
    if failed == traces:
        return f"{format_count(failed)} failed"
    return f"{format_count(failed)} of {format_count(traces)} failed" if failed else f"{format_count(traces)} survived"


def sparkline(series: Sequence[float], *, class_name: str = "qt-error-spark") -> Component:
    """A row of bars drawn as one element: its outline is cut from a block of colour."""
    top = max(series, default=0) or 1
    points = ["0% 100%"]
    for i, value in enumerate(series):
        height = 100 - (max(8.0, 100 * value / top) if value > 0 else 0)
        left, right = 100 * i / len(series), 100 * (i + 0.82) / len(series)
        points += [
            f"{left:.1f}% 100%",
            f"{left:.1f}% {height:.0f}%",
            f"{right:.1f}% {height:.0f}%",
            f"{right:.1f}% 100%",
        ]
    points.append("100% 100%")
    outline = f"polygon({', '.join(points)})" if series else "none"
    return html.Span(html.I(style={"clipPath": outline}), className=f"qt-bars {class_name}", **{"aria-hidden": "true"})
