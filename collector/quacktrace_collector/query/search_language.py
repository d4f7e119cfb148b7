"""The search language of `q`: `service:cart status:error duration:>200ms http.route:/x "two words"`.

A search is compiled to conditions on one span and bounds of the trace's duration. Whatever a person typed is a bound
value, never SQL text, and `*` is the only wildcard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from quacktrace_collector.errors import BadRequestError
from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.durations import parse_duration
from quacktrace_collector.schema import PROMOTED

_TERM: Final = re.compile(
    r"""
    \s*
    (?:
        (?P<key>[^\s:="<>!]+) (?::|=) (?P<comparison>>=|<=|>|<)?
        (?:"(?P<quoted_value>[^"]*)"|(?P<value>[^\s"]*))
        | "(?P<phrase>[^"]*)"
        | (?P<word>[^\s"]+)
    )
    """,
    re.VERBOSE,
)
_LONGEST: Final = 2_000
_MOST_TERMS: Final = 30
_COLUMNS: Final = {
    "service": "service_name",
    "service_name": "service_name",
    "service.name": "service_name",
    "service.namespace": "service_namespace",
    "service_namespace": "service_namespace",
    "version": "service_version",
    "service.version": "service_version",
    "service_version": "service_version",
    "instance": "service_instance_id",
    "service.instance.id": "service_instance_id",
    "service_instance_id": "service_instance_id",
    "environment": "deployment_environment",
    "deployment_environment": "deployment_environment",
    "deployment.environment.name": "deployment_environment",
    "operation": "name",
    "name": "name",
    "trace_id": "trace_id",
    "span_id": "span_id",
    "parent_span_id": "parent_span_id",
    "trace_state": "trace_state",
    "status_message": "status_message",
    "scope": "scope_name",
    "scope_name": "scope_name",
    "scope_version": "scope_version",
}
_ENUMS: Final = {
    "status": ("status_code", ("UNSET", "OK", "ERROR")),
    "status_code": ("status_code", ("UNSET", "OK", "ERROR")),
    "kind": ("kind", ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")),
}
# An old key and the new one of the same promoted attribute find the same spans.
_PROMOTED: Final = {key: promoted for promoted in PROMOTED for key in (promoted.column, *promoted.keys)}
# Looking into resources as well costs ten times as much (3 µs a span against 0.3), so it is done for keys that the
# semantic conventions put there, and for `resource.KEY`.
_RESOURCE_PREFIX: Final = "resource."
_RESOURCE_NAMESPACES: Final = (
    *("service.", "deployment.", "telemetry.", "host.", "os.", "process.", "container.", "k8s.", "cloud.", "faas."),
    *("aws.", "gcp.", "azure.", "heroku.", "device.", "browser.", "webengine.", "app.installation."),
)
_SQL_COMPARISONS: Final = {">": ">", ">=": ">=", "<": "<", "<=": "<="}


@dataclass(slots=True)
class Search:
    """A compiled search."""

    span: Conditions = field(default_factory=Conditions)
    """What one and the same span has to fulfil."""
    min_duration_ns: int | None = None
    """The trace lasts at least this long."""
    max_duration_ns: int | None = None
    """And at most this long."""


def parse_search(text: str) -> Search:
    """BadRequestError says which term is wrong and how to write it."""
    if len(text) > _LONGEST:
        raise BadRequestError(f"the search is longer than {_LONGEST} characters", hint="use fewer terms")
    search = Search()
    for term in _terms(text):
        phrase = term["word"] if term["phrase"] is None else term["phrase"]
        if phrase is not None:
            if phrase:
                search.span.add_contains("name", phrase)
        else:
            _add_key_value(search, term)
    return search


def _terms(text: str) -> Iterator[dict[str, str | None]]:
    position = 0
    text = text.rstrip()
    for _ in range(_MOST_TERMS):
        if position >= len(text):
            return
        match = _TERM.match(text, position)
        if match is None:
            raise BadRequestError(
                f"a quotation mark at character {position} of the search is never closed", hint='write "two words"'
            )
        yield match.groupdict()
        position = match.end()
    if position < len(text):
        raise BadRequestError(f"the search has more than {_MOST_TERMS} terms", hint="use fewer")


def _add_key_value(search: Search, term: dict[str, str | None]) -> None:
    key = term["key"] or ""
    comparison = term["comparison"] or ""
    value = term["value"] if term["quoted_value"] is None else term["quoted_value"]
    value = value or ""
    if key.lower() == "duration":
        _add_duration(search, comparison, value)
    elif key.lower() in _ENUMS:
        column, allowed = _ENUMS[key.lower()]
        if value.upper() not in allowed or comparison:
            raise BadRequestError(
                f"{key}:{comparison}{value[:40]} is not a {key}", hint=f"one of {', '.join(allowed).lower()}"
            )
        search.span.add_equals(column, value.upper())
    elif comparison:
        number = _number(key, value)
        if key in _PROMOTED:
            search.span.add_column_number(_PROMOTED[key].column, _SQL_COMPARISONS[comparison], number)
        else:
            search.span.add_attribute_number(*_places(key), _SQL_COMPARISONS[comparison], number)
    elif key in _COLUMNS:
        search.span.add_matches(_COLUMNS[key], value.lower() if key.endswith("_id") else value)
    elif key in _PROMOTED:
        search.span.add_matches(f"cast({_PROMOTED[key].column} as varchar)", value)
    else:
        search.span.add_attribute_matches(*_places(key), value)


def _places(key: str) -> tuple[str, tuple[str, ...]]:
    """The attribute's key and the columns that may have it."""
    if key.startswith(_RESOURCE_PREFIX) and len(key) > len(_RESOURCE_PREFIX):
        return key.removeprefix(_RESOURCE_PREFIX), ("resource",)
    if key.startswith(_RESOURCE_NAMESPACES):
        return key, ("attributes", "resource")
    return key, ("attributes",)


def _add_duration(search: Search, comparison: str, value: str) -> None:
    try:
        duration_ns = parse_duration(value)
    except ValueError as error:
        raise BadRequestError(f"duration: {error}", hint="for instance duration:>200ms") from error
    if comparison in ("", ">", ">="):
        search.min_duration_ns = max(duration_ns + (comparison == ">"), search.min_duration_ns or 0)
    else:
        longest = duration_ns - (comparison == "<")
        search.max_duration_ns = min(longest, longest if search.max_duration_ns is None else search.max_duration_ns)


def _number(key: str, value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise BadRequestError(
            f"{key}: {value[:40]!r} is not a number", hint="compare with a number, for instance retries:>2"
        ) from error
