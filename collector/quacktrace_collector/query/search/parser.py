"""Reads a search: terms, `and`, `or`, `not`, parentheses; what is wrong is said with the place where."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final, cast

import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.errors import SearchSyntaxError
from quacktrace_collector.query.durations import parse_duration
from quacktrace_collector.query.search.fields import Field, field_of
from quacktrace_collector.query.search.tree import (
    Always,
    And,
    Compare,
    Comparison,
    Exists,
    NameContains,
    Node,
    Not,
    Or,
    Pattern,
    TraceDuration,
    Where,
)

_LONGEST: Final = 2_000
_MOST_TERMS: Final = 50
_DEEPEST: Final = 20

_KEYWORD: Final = re.compile(r"(and|or|not)(?=[\s()]|$)|(&&)|(\|\|)", re.IGNORECASE)
_PRESENCE: Final = re.compile(r"(exists|absent)(?=[\s()]|$)", re.IGNORECASE)
_MEMBERSHIP: Final = re.compile(r"(not\s+)?in\s*\(", re.IGNORECASE)
# `:` and `=` may be followed by a comparison: retries:>2.
_OPERATOR: Final = re.compile(r"=~|!~|!=|[:=](?:>=|<=|>|<)|==|>=|<=|[:=<>]")
_SPACES: Final = re.compile(r"\s*")
_ENDS_A_KEY: Final = re.compile(r'[\s":=<>]|![=~]')
_ENDS_A_VALUE: Final = re.compile(r'[\s"]')
_ENDS_A_LISTED_VALUE: Final = re.compile(r'[\s",]')


def parse(text: str) -> Node:
    """The tree of a search; `Always` for an empty one.

    Raises:
        SearchSyntaxError: says what is wrong, where, and how to write it.
    """
    if len(text) > _LONGEST:
        raise SearchSyntaxError(f"the search is longer than {_LONGEST} characters", hint="use fewer terms", position=0)
    if "\0" in text:
        raise SearchSyntaxError("the search has a NUL character", hint="leave it out", position=text.index("\0"))
    return _Parser(text).whole()


class _Parser:
    """Recursive descent over the characters: what ends a word depends on what the word is."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._terms = 0
        self._depth = 0

    def whole(self) -> Node:
        if self._is_at_end():
            return Always()
        node = self._or()
        if not self._is_at_end():
            raise self._error("this closing parenthesis was never opened", hint='remove it, or quote it: ")"')
        return node

    def _or(self) -> Node:
        nodes = [self._and()]
        while self._takes_keyword("or"):
            nodes.append(self._and())
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes), _around(nodes))

    def _and(self) -> Node:
        nodes = [self._unary()]
        while not self._is_at_end() and self._text[self._at] != ")" and self._keyword() != "or":
            self._takes_keyword("and")
            nodes.append(self._unary())
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes), _around(nodes))

    def _unary(self) -> Node:
        if self._is_at_end():
            raise self._error("the search ends where a term should follow", hint="for instance status = error")
        start = self._at
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"more than {_DEEPEST} levels of parentheses", hint="use fewer")
        if self._takes_keyword("not") or (self._text[start] == "!" and self._text[start + 1 : start + 2] not in "=~"):
            self._at = max(self._at, start + 1)
            node = self._unary()
            node = Not(node, Where(start, self._at))
        elif self._text[start] == "(":
            self._at += 1
            node = self._or()
            if self._is_at_end():
                raise self._error("this parenthesis is never closed", hint="add )", position=start)
            self._at += 1
            node = replace(node, where=Where(start, self._at))
        else:
            node = self._term()
        self._depth -= 1
        return node

    def _term(self) -> Node:
        start = self._at
        self._terms += 1
        if self._terms > _MOST_TERMS:
            raise self._error(f"the search has more than {_MOST_TERMS} terms", hint="use fewer")
        keyword = self._keyword()
        if keyword is not None or self._text[start] == ")":
            word = ")" if keyword is None else self._text[start:].split(maxsplit=1)[0]
            raise self._error(f"a term is missing before {word}", hint=f'to find the text, quote it: "{word}"')
        is_quoted = self._text[start] == '"'
        raw = self._quoted() if is_quoted else self._bare(_ENDS_A_KEY)
        if not raw and not is_quoted:
            operator = cast(re.Match[str], _OPERATOR.match(self._text, start) or re.match(".", self._text[start:]))[0]
            raise self._error(f"there is no attribute before {operator}", hint="for instance http.route = /cart")
        end = self._at
        self._skip_spaces()
        key = _pattern(raw, is_quoted=is_quoted).text
        if operator_match := _OPERATOR.match(self._text, self._at):
            self._at = operator_match.end()
            return self._comparison(field_of(key), operator_match[0], start)
        if presence := _PRESENCE.match(self._text, self._at):
            self._at = presence.end()
            exists = Exists(self._stored(field_of(key), start), Where(start, self._at))
            return exists if presence[1].lower() == "exists" else Not(exists, exists.where)
        if membership := _MEMBERSHIP.match(self._text, self._at):
            self._at = membership.end()
            return self._membership(field_of(key), start, is_negated=membership[1] is not None)
        self._at = end
        if not raw:
            return Always(Where(start, end))
        return NameContains(_pattern(raw, is_quoted=is_quoted), Where(start, end))

    def _comparison(self, field: Field, operator: str, start: int) -> Node:
        self._skip_spaces()
        value_at = self._at
        comparison = _comparison_of(operator)
        if self._is_at_end() or self._text[self._at] == ")":
            raise self._error(
                f"a value is missing after {self._text[start:value_at].rstrip()}", hint='write "" for an empty one'
            )
        is_quoted = self._text[value_at] == '"'
        raw = self._quoted() if is_quoted else self._bare(_ENDS_A_VALUE)
        where = Where(start, self._at)
        if comparison in ("=~", "!~"):
            pattern = Pattern((raw.replace('\\"', '"') if is_quoted else raw,))
            self._check_regex(pattern.text, value_at)
        else:
            pattern = _pattern(raw, is_quoted=is_quoted)
        return self._checked(field, comparison, pattern, where, value_at, is_at_least=operator == ":")

    def _checked(
        self, field: Field, comparison: Comparison, value: Pattern, where: Where, value_at: int, *, is_at_least: bool
    ) -> Node:
        """The node, if the value is one that the field can have."""
        if field.kind in ("duration", "trace_duration"):
            if comparison in ("=~", "!~"):
                raise self._error(
                    f"{field.key} has no text for {comparison}", hint=f"for instance {field.key} > 200ms", at=where
                )
            try:
                duration_ns = parse_duration(value.text)
            except ValueError as error:
                raise self._error(
                    f"{field.key}: {error}", hint=f"for instance {field.key} > 200ms", position=value_at
                ) from error
            # `duration:200ms` has always been "at least".
            if field.kind == "trace_duration":
                return TraceDuration(">=" if is_at_least else comparison, duration_ns, where)
            return Compare(field, ">=" if is_at_least else comparison, Pattern((str(duration_ns),)), where)
        if field.kind == "enum":
            if comparison not in ("=", "!=") or value.text.upper() not in field.allowed:
                raise self._error(
                    f"{value.text[:40]} is no {field.key}"
                    if comparison in ("=", "!=")
                    else f"{field.key} has no order",
                    hint=f"{field.key} = one of {', '.join(field.allowed).lower()}",
                    position=value_at,
                )
            return Compare(field, comparison, Pattern((value.text.upper(),)), where)
        if comparison in ("<", "<=", ">", ">="):
            try:
                float(value.text)
            except ValueError as error:
                raise self._error(
                    f"{field.key}: {value.text[:40]!r} is not a number",
                    hint="compare with a number, for instance retries > 2",
                    position=value_at,
                ) from error
        return Compare(field, comparison, value, where)

    def _membership(self, field: Field, start: int, *, is_negated: bool) -> Node:
        opened_at = self._at - 1
        nodes: list[Node] = []
        while True:
            if self._is_at_end():
                raise self._error("this list is never closed", hint="add )", position=opened_at)
            if self._text[self._at] == ")":
                self._at += 1
                break
            if self._text[self._at] == ",":
                self._at += 1
                continue
            value_at = self._at
            self._terms += 1
            is_quoted = self._text[value_at] == '"'
            raw = self._quoted() if is_quoted else self._bare(_ENDS_A_LISTED_VALUE)
            value = _pattern(raw, is_quoted=is_quoted)
            nodes.append(self._checked(field, "=", value, Where(start, self._at), value_at, is_at_least=False))
            if self._terms > _MOST_TERMS:
                raise self._error(f"the search has more than {_MOST_TERMS} terms", hint="use fewer")
        if not nodes:
            raise self._error("this list is empty", hint=f"for instance {field.key} in (a, b)", position=opened_at)
        where = Where(start, self._at)
        found: Node = nodes[0] if len(nodes) == 1 else Or(tuple(nodes), where)
        return Not(found, where) if is_negated else found

    def _stored(self, field: Field, start: int) -> Field:
        if field.kind == "trace_duration":
            raise self._error("every trace has a duration", hint="for instance duration > 200ms", position=start)
        return field

    def _check_regex(self, pattern: str, position: int) -> None:
        try:
            pc.match_substring_regex(pa.array([""]), pattern)
        except pa.ArrowInvalid as error:
            reason = str(error).rsplit("Invalid regular expression: ", 1)[-1]
            raise self._error(
                f"{pattern[:80]} is not a regular expression: {reason}", hint="the syntax is RE2's", position=position
            ) from error

    def _quoted(self) -> str:
        opened_at = self._at
        at = opened_at + 1
        while at < len(self._text) and self._text[at] != '"':
            at += 2 if self._text[at] == "\\" else 1
        if at >= len(self._text):
            raise self._error("this quotation mark is never closed", hint='write "two words"', position=opened_at)
        self._at = at + 1
        return self._text[opened_at + 1 : at]

    def _bare(self, end: re.Pattern[str]) -> str:
        """Up to what ends it, or a parenthesis that was opened before it."""
        start, opened = self._at, 0
        while self._at < len(self._text) and not end.match(self._text, self._at):
            character = self._text[self._at]
            opened += (character == "(") - (character == ")")
            if opened < 0:
                break
            self._at += 1
        return self._text[start : self._at]

    def _keyword(self) -> str | None:
        self._skip_spaces()
        match = _KEYWORD.match(self._text, self._at)
        if match is None:
            return None
        return "and" if match[2] else "or" if match[3] else match[1].lower()

    def _takes_keyword(self, wanted: str) -> bool:
        if self._keyword() != wanted:
            return False
        match = cast(re.Match[str], _KEYWORD.match(self._text, self._at))
        self._at = match.end()
        return True

    def _skip_spaces(self) -> None:
        self._at = cast(re.Match[str], _SPACES.match(self._text, self._at)).end()

    def _is_at_end(self) -> bool:
        self._skip_spaces()
        return self._at >= len(self._text)

    def _error(
        self, message: str, *, hint: str, position: int | None = None, at: Where | None = None
    ) -> SearchSyntaxError:
        place = at.start if at is not None else self._at if position is None else position
        return SearchSyntaxError(message, hint=hint, position=place)


def _comparison_of(operator: str) -> Comparison:
    if operator in (":", "=", "=="):
        return "="
    return cast(Comparison, operator[1:] if operator[0] in ":=" and operator[1] in "<>" else operator)


def _pattern(raw: str, *, is_quoted: bool) -> Pattern:
    r"""`*` is a wildcard and `\*` a star; within quotation marks `\"` and `\\` are themselves too."""
    parts = [""]
    at = 0
    escapable = '"\\*' if is_quoted else "*"
    while at < len(raw):
        if raw[at] == "\\" and raw[at + 1 : at + 2] and raw[at + 1] in escapable:
            parts[-1] += raw[at + 1]
            at += 2
            continue
        if raw[at] == "*":
            parts.append("")
        else:
            parts[-1] += raw[at]
        at += 1
    return Pattern(tuple(parts))


def _around(nodes: list[Node]) -> Where:
    return Where(nodes[0].where.start, nodes[-1].where.end)
