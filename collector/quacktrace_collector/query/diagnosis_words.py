"""A change in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from quacktrace_collector.query.explanation import duration_text

_LONGEST_NAME: Final = 200


def change_in_words(change: Mapping[str, Any]) -> str:
    """What changed where, from how much to how much."""
    operation, child = _short(change["operation"]), _short(change["child_operation"] or "")
    now, usual = change["value"], change["usual_value"]
    match change["kind"]:
        case "latency":
            return f"{operation} itself takes {duration_text(now)} instead of {duration_text(usual)}."
        case "network":
            way = f"{change['client_service']} waits {duration_text(now)} instead of {duration_text(usual)}"
            return f"{way} for {change['server_service']} beyond the time it works: network or queueing."
        case "errors":
            return f"{operation} fails by itself in {now:.1%} of its calls instead of {usual:.1%}."
        case "unanswered":
            way = f"calls of {child} by {change['operation_service_name']} are answered"
            return f"{way} in {now:.0%} instead of {usual:.0%}."
        case "missing_calls":
            return f"{operation} calls {child} in {now:.0%} instead of {usual:.0%} of {_which(change)}."
        case _:
            return f"{operation} calls {child} in {now:.0%} instead of {usual:.0%} of {_which(change)}, which is new."


def _which(change: Mapping[str, Any]) -> str:
    given = change["given_operation"]
    return f"the cases in which it calls {_short(given)}" if given else "its calls"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else text[:_LONGEST_NAME] + "…"
