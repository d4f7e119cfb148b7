"""An explanation in one or two sentences, for a person who has not looked at the trace yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# A part is worth naming when it is at least this share of the whole difference.
_WORTH_NAMING: Final = 0.2
_MANY_CALLS: Final = 5


def explain_in_words(answer: Mapping[str, Any]) -> str:
    """What happened, how unusual it is, and which places it comes from."""
    sentences = [_failure(answer), _slowness(answer)]
    return " ".join(sentence for sentence in sentences if sentence)


def _failure(answer: Mapping[str, Any]) -> str:
    if not answer["failures"]:
        return ""
    failure = answer["failures"][0]
    what = ": ".join(text for text in (failure["exception_type"], failure["message"][:200]) if text)
    others = len(answer["failures"]) - 1
    more = f", and {others} more" if others else ""
    return f"Failed in {failure['service_name']} at {failure['operation']}{f' ({what})' if what else ''}{more}."


def _slowness(answer: Mapping[str, Any]) -> str:
    took = duration_text(answer["duration_ms"])
    baseline = answer["baseline"]
    if baseline is None:
        why = answer["no_baseline_because"]
        return f"It took {took}; there is not enough baseline to say whether that is unusual: {why}."
    usual = duration_text(baseline["p50_ms"])
    if not answer["is_slow"]:
        return f"It took {took}, which is not unusual: half of {baseline['traces']:,} like it took up to {usual}."
    return (
        f"It took {took}, slower than {baseline['slower_than']:.0%} of {baseline['traces']:,} like it, "
        f"which usually take {usual}. {_places(answer)}"
    ).rstrip()


def _places(answer: Mapping[str, Any]) -> str:
    difference = answer["difference_ms"]
    named = [
        part
        for part in answer["parts"]
        if part["service_name"] is not None and part["extra_ms"] >= difference * _WORTH_NAMING
    ][:3]
    if not named or difference <= 0:
        return ""
    return f"The extra time is {'; '.join(_place(part) for part in named)}."


def _place(part: Mapping[str, Any]) -> str:
    extra = duration_text(part["extra_ms"])
    if part["waits_for"]:
        place = f"{extra} between {part['service_name']} and {part['waits_for']} (network or queueing)"
    else:
        place = f"{extra} in {part['service_name']} at {part['operation']}"
    if part["calls"] >= max(_MANY_CALLS, 2 * part["usual_calls"]):
        return f"{place}, called {part['calls']} times instead of {part['usual_calls']:.3g}"
    return place


def duration_text(milliseconds: float) -> str:
    """Three digits and a unit."""
    for limit, factor, unit in ((1.0, 1000.0, "µs"), (1000.0, 1.0, "ms"), (60_000.0, 0.001, "s")):
        if abs(milliseconds) < limit:
            return f"{milliseconds * factor:.3g} {unit}"
    return f"{milliseconds / 60_000:.3g} min"
