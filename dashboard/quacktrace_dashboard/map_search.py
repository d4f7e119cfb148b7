"""The map of a search: which parameters of a link narrow the service graph to the traces that they find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quacktrace_dashboard.formatting import format_count
from quacktrace_dashboard.state import ViewState

__all__ = ["found_traces", "graph_parameters", "is_search", "search_words", "without_search"]

_FILTERS = ("q", "operation", "status", "min_duration", "max_duration")
"""Those of the traces page but for `service`, which is a term of `q` here: on a map it is what the drawer shows."""
_LABELS = {"operation": "operation", "status": "status", "min_duration": "at least", "max_duration": "at most"}


def is_search(state: ViewState) -> bool:
    return any(state.get(name) for name in _FILTERS)


def graph_parameters(state: ViewState, from_ms: int, to_ms: int) -> dict[str, str | int | float | None]:
    """Of `GET /api/v1/graph`."""
    return {"from": from_ms, "to": to_ms, **{name: state.get(name) for name in _FILTERS}}


def search_words(state: ViewState) -> str:
    """The search as a person would say it."""
    terms = [state.get("q")] + [f"{label} {state.get(name)}" for name, label in _LABELS.items() if state.get(name)]
    return ", ".join(term for term in terms if term)


def without_search(state: ViewState) -> ViewState:
    return state.with_params(**dict.fromkeys(_FILTERS))


def found_traces(graph: Mapping[str, Any]) -> str:
    """How many traces a searched graph is made of."""
    count = graph["traces"]
    traces = f"{format_count(count)} trace{'' if count == 1 else 's'}"
    return (
        f"the newest {traces} that match" if graph["truncated"] else f"{traces} that match{'es' if count == 1 else ''}"
    )
