"""A search's tree as SQL over `spans`, true or not of each span; whatever a person typed is a bound value."""

from __future__ import annotations

from typing import Final, assert_never

from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.search.fields import Field
from quacktrace_collector.query.search.tree import (
    Always,
    And,
    Compare,
    Exists,
    NameContains,
    Never,
    Node,
    Not,
    Or,
    Pattern,
    TraceDuration,
)
from quacktrace_collector.store.sealed.attribute_rows import AttributeValue

_INT32_DIGITS: Final = 9


def add_node(conditions: Conditions, node: Node) -> None:
    """Add what a node says to a WHERE clause; what is joined by `and` stays apart, so that scans can prune by it."""
    if isinstance(node, Always):
        return
    for part in node.nodes if isinstance(node, And) else (node,):
        conditions.clauses.append(_sql(conditions, part))
        conditions.attribute = conditions.attribute or _attribute_value(part)


def value_sql(conditions: Conditions, field: Field) -> str:
    """The field's value as text, NULL for a span without it."""
    match field.kind:
        case "event":
            source = _of_event(conditions, field, "event")
            return f"[{source} for event in events if {source} is not null][1]"
        case "attribute":
            return _attribute(conditions, field)
        case "integer" | "duration" | "trace_duration":
            return f"cast({field.column or 'duration_ns'} as varchar)"
        case "id" | "enum":
            return field.column
        case "text":
            return f"nullif({field.column}, '')"


def _attribute_value(node: Node) -> AttributeValue | None:
    if isinstance(node, Compare) and node.comparison == "=" and node.field.maps == ("attributes",):
        return AttributeValue(node.field.attribute, node.value.text) if node.value.is_literal else None
    return None


def _sql(conditions: Conditions, node: Node) -> str:
    match node:
        case Always():
            return "true"
        case Never():
            return "false"
        case NameContains():
            return f"name ilike {conditions.bind(f'%{node.pattern.like}%')} escape '\\'"
        case And():
            return "(" + " and ".join(_sql(conditions, part) for part in node.nodes) + ")"
        case Or():
            return "(" + " or ".join(_sql(conditions, part) for part in node.nodes) + ")"
        case Not():
            # NULL is what a span without the attribute gives: not true, so its opposite is.
            return f"({_sql(conditions, node.node)}) is not true"
        case Exists():
            return _exists(conditions, node.field)
        case Compare():
            return _compare(conditions, node)
        case TraceDuration():
            raise AssertionError("trace durations are resolved before a span is looked at")
    assert_never(node)


def _compare(conditions: Conditions, node: Compare) -> str:
    field, value = node.field, node.value
    match node.comparison:
        case "!=":
            return f"({_equals(conditions, field, value)}) is not true"
        case "=":
            return _equals(conditions, field, value)
        case "=~":
            return _matches_regex(conditions, field, value)
        case "!~":
            return f"({_matches_regex(conditions, field, value)}) is not true"
        case "<" | "<=" | ">" | ">=":
            return _compares_number(conditions, field, node.comparison, value)
    assert_never(node.comparison)


def _equals(conditions: Conditions, field: Field, value: Pattern) -> str:
    match field.kind:
        case "duration":
            return f"duration_ns = {conditions.bind(int(value.text))}"
        case "integer":
            if value.is_literal and value.text.isascii() and value.text.isdigit() and len(value.text) <= _INT32_DIGITS:
                return f"{field.column} = {conditions.bind(int(value.text))}"
            return _is(conditions, f"cast({field.column} as varchar)", value)
        case "id":
            return _is(conditions, field.column, Pattern(tuple(part.lower().replace("-", "") for part in value.parts)))
        case "attribute":
            key = conditions.bind(field.attribute)
            places = [_is(conditions, f"{column}[{key}]", value) for column in field.maps]
            return places[0] if len(places) == 1 else f"({' or '.join(places)})"
        case "event":
            return _some_event(_is(conditions, _of_event(conditions, field, "event"), value))
        case _:
            return _is(conditions, field.column, value)


def _is(conditions: Conditions, source: str, value: Pattern) -> str:
    if value.is_literal:
        return f"{source} = {conditions.bind(value.text)}"
    return f"{source} like {conditions.bind(value.like)} escape '\\'"


def _matches_regex(conditions: Conditions, field: Field, value: Pattern) -> str:
    pattern = conditions.bind(value.text)
    if field.kind == "event":
        return _some_event(f"regexp_matches({_of_event(conditions, field, 'event')}, {pattern})")
    source = field.column if field.kind in ("text", "id") else value_sql(conditions, field)
    return f"regexp_matches({source}, {pattern})"


def _compares_number(conditions: Conditions, field: Field, comparison: str, value: Pattern) -> str:
    if field.kind == "duration":
        return f"duration_ns {comparison} {conditions.bind(int(value.text))}"
    number = conditions.bind(float(value.text))
    if field.kind == "event":
        return _some_event(f"try_cast({_of_event(conditions, field, 'event')} as double) {comparison} {number}")
    source = field.column if field.kind != "attribute" else _attribute(conditions, field)
    return f"try_cast({source} as double) {comparison} {number}"


def _exists(conditions: Conditions, field: Field) -> str:
    match field.kind:
        case "text":
            return f"{field.column} <> ''"
        case "event":
            return _some_event(f"{_of_event(conditions, field, 'event')} is not null")
        case "attribute":
            return f"{_attribute(conditions, field)} is not null"
        case _:
            return f"{field.column} is not null"


def _attribute(conditions: Conditions, field: Field) -> str:
    key = conditions.bind(field.attribute)
    places = [f"{column}[{key}]" for column in field.maps]
    return places[0] if len(places) == 1 else f"coalesce({', '.join(places)})"


def _of_event(conditions: Conditions, field: Field, event: str) -> str:
    return f"{event}.{field.column}" if field.column else f"{event}.attributes[{conditions.bind(field.attribute)}]"


def _some_event(condition: str) -> str:
    return f"len([event for event in events if {condition}]) > 0"
