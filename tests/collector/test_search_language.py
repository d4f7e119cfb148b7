"""The search language: which spans a search finds, and what is said of one that cannot be read."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quacktrace_collector.errors import SearchSyntaxError
from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.search.fields import field_of
from quacktrace_collector.query.search.span_sql import value_sql
from quacktrace_collector.query.search_language import parse_search, parse_span_search
from quacktrace_collector.store import Store


@pytest.fixture(scope="module")
def five_spans(shared_store: Any, new_span: Any) -> Store:
    shared_store.add(
        new_span(1, 1, name="POST /checkout", service="frontend", kind="SERVER", duration_ms=50),
        new_span(
            1,
            2,
            1,
            name="GET /cart (all)",
            service="cart",
            kind="SERVER",
            duration_ms=10,
            status="ERROR",
            status_message="no cart",
            attributes={"http.status_code": 503, "user.tier": "gold", "retries": 3, "say": 'a "quoted" * \\ word'},
            resource={
                "service.version": "1.2",
                "deployment.environment.name": "prod",
                "k8s.pod.name": "cart-7",
                "rack": 7,
            },
            events=[("exception", 1.0, {"exception.type": "TimeoutError"}), ("retry", 2.0, {"attempt": 2})],
        ),
        new_span(1, 3, 2, name="select carts", service="cart", kind="CLIENT", duration_ms=2),
        new_span(
            2, 4, name="GET /search", service="frontend", kind="SERVER", duration_ms=900, attributes={"my key": "and"}
        ),
        new_span(
            3,
            5,
            99,
            name="consume or not",
            service="mail",
            kind="CONSUMER",
            duration_ms=5,
            attributes={"user.tier": "tin"},
        ),
    )
    store: Store = shared_store.store
    return store


def spans_of(store: Store, conditions: Conditions) -> list[int]:
    sql = f"select span_id from spans where {conditions.sql} order by span_id"
    return [int(span_id, 16) for span_id in store.query(sql, conditions.parameters)["span_id"].to_pylist()]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("GET cart", [2]),
        ("get or consume", [2, 4, 5]),
        ('"or not"', [5]),
        ('"or"', [5]),
        ("service = cart", [2, 3]),
        ("service=cart kind=client", [3]),
        ("service = cart and kind = client", [3]),
        ("service:cart && kind:client", [3]),
        ("service = mail or service = cart and kind = client", [3, 5]),
        ("(service = mail or service = cart) and kind = client", [3]),
        ("(service:mail || service:cart) kind:client", [3]),
        ("not service = cart", [1, 4, 5]),
        ("!service:cart", [1, 4, 5]),
        ("service != cart", [1, 4, 5]),
        ("NOT (service = cart OR service = mail)", [1, 4]),
        ("not not service = mail", [5]),
        ("service in (mail, cart)", [2, 3, 5]),
        ('service not in ("mail" cart)', [1, 4]),
        ("name = GET*", [2, 4]),
        ("name != GET*", [1, 3, 5]),
        ('name = "GET /cart (all)"', [2]),
        ("name = GET*(all)", [2]),
        ("(name = GET*(all))", [2]),
        ("name =~ ^(GET|POST)", [1, 2, 4]),
        ("name !~ ^(GET|POST)", [3, 5]),
        (r'name =~ "\(all\)$"', [2]),
        ("user.tier exists", [2, 5]),
        ("user.tier absent", [1, 3, 4]),
        ("user.tier = *", [2, 5]),
        ("user.tier != gold", [1, 3, 4, 5]),
        ("user.tier exists user.tier != gold", [5]),
        ("user.tier !~ o", [1, 3, 4, 5]),
        ("user.tier =~ ^g.*d$", [2]),
        ("retries > 2", [2]),
        ("retries:>2", [2]),
        ("retries>=3 retries<=3", [2]),
        ("retries < 3", []),
        ("http.response.status_code >= 500", [2]),
        ("http.status_code:503", [2]),
        ("http.status_code = 5*", [2]),
        ("http.status_code != 503", [1, 3, 4, 5]),
        ("http.response.status_code exists", [2]),
        ("http.response.status_code =~ ^5", [2]),
        ("status = error", [2]),
        ("status != error", [1, 3, 4, 5]),
        ("status:ERROR or kind:consumer", [2, 5]),
        ("kind in (client, consumer)", [3, 5]),
        ("status_message = no*", [2]),
        ("version = 1.2", [2]),
        ("version > 1", [2]),
        ("environment = prod", [2]),
        ("environment absent", [1, 3, 4, 5]),
        ("resource.rack = 7", [2]),
        ("k8s.pod.name = cart-*", [2]),
        ("k8s.pod.name absent", [1, 3, 4, 5]),
        ("span.user.tier = tin", [5]),
        ("event.name = exception", [2]),
        ("event.exception.type =~ Timeout", [2]),
        ("exception.type exists", [2]),
        ("exception.type absent service = cart", [3]),
        ("event.attempt > 1", [2]),
        ("span.duration > 40ms", [1, 4]),
        ("span.duration <= 5ms or span.duration = 10ms", [2, 3, 5]),
        ("parent_span_id absent", [1, 4]),
        (f"span_id = {3:016X}", [3]),
        ("trace_id = 00000000-0000-0000-0000-000000000003", [5]),
        (r'say = "a \"quoted\" \* \\ word"', [2]),
        (r'say = "a * word"', [2]),
        (r'say = "a \* word"', []),
        ('"my key" = "and"', [4]),
        ('name = "x\' or 1=1 --"', []),
    ],
)
def test_a_search_finds_spans(five_spans: Store, search: str, found: list[int]) -> None:
    assert spans_of(five_spans, parse_span_search(search)) == found


@pytest.mark.parametrize(
    ("search", "position", "words"),
    [
        ('name = "never closed', 7, "never closed"),
        ("(service = cart", 0, "never closed"),
        ("service = cart)", 14, "never opened"),
        ("service = cart or", 17, "ends where a term"),
        ("or service = cart", 0, "missing before or"),
        ("a and and b", 6, "missing before and"),
        ("()", 1, "missing before )"),
        ("= cart", 0, "no attribute before ="),
        ("<img", 0, "no attribute before <"),
        ("service =", 9, "value is missing"),
        ("(service =)", 10, "value is missing"),
        ("status = maybe", 9, "maybe is no status"),
        ("kind > server", 7, "kind has no order"),
        ("status =~ err", 10, "status has no order"),
        ("retries > many", 10, "not a number"),
        ("duration > soon", 11, "not a duration"),
        ("span.duration > 5", 16, "not a duration"),
        ("duration =~ 5", 0, "no text"),
        ("duration exists", 0, "every trace has a duration"),
        ("name =~ a(", 8, "not a regular expression"),
        ("service in (a", 11, "never closed"),
        ("service in ()", 11, "empty"),
        ("a b " * 40, 100, "more than 50 terms"),
        ("(" * 30 + "a" + ")" * 30, 20, "levels"),
        ("a\0", 1, "NUL"),
    ],
)
def test_a_search_that_cannot_be_read_says_where_and_why(search: str, position: int, words: str) -> None:
    with pytest.raises(SearchSyntaxError) as raised:
        parse_search(search)
    assert (raised.value.position, words in raised.value.message) == (position, True), raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize(
    ("search", "cases"),
    [
        ("", [(None, None)]),
        ("duration > 1us", [(1001, None)]),
        ("duration:1us", [(1000, None)]),
        ("duration:<1us duration:>=500ns", [(500, 999)]),
        ("not duration > 1us", [(None, 1000)]),
        ("duration = 7ns", [(7, 7)]),
        ("duration != 7ns", [(None, 6), (8, None)]),
        ("duration < 5ns duration > 6ns", []),
        ("duration > 1us or status = error", [(None, 1000), (1001, None)]),
        ("duration > 1us or duration <= 1us", [(None, None)]),
    ],
)
def test_durations_of_a_trace_become_cases(search: str, cases: list[tuple[int | None, int | None]]) -> None:
    assert [(case.min_duration_ns, case.max_duration_ns) for case in parse_search(search).cases] == cases


def test_a_trace_matches_by_its_duration_or_by_a_span(five_spans: Store) -> None:
    long, short = parse_search("duration > 100ms or status = error").cases[::-1]
    assert not long.span
    assert spans_of(five_spans, short.span) == [2]


TERMS = ("service = cart", "user.tier = gold", "status = error", "retries > 2", "name =~ GET", "user.tier exists")


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.sampled_from(TERMS),
        lambda inner: st.one_of(
            inner.map(lambda one: f"not ({one})"),
            st.tuples(inner, st.sampled_from(("and", "or")), inner).map(lambda parts: f"({' '.join(parts)})"),
        ),
        max_leaves=6,
    )
)
def test_and_or_and_not_are_those_of_sets(five_spans: Store, search: str) -> None:
    everything = set(spans_of(five_spans, Conditions()))
    sets = {term: set(spans_of(five_spans, parse_span_search(term))) for term in TERMS}
    by_sets = search
    for number, term in enumerate(TERMS):
        by_sets = by_sets.replace(term, f"s[{number}]")
    by_sets = by_sets.replace("not", "everything -").replace("and", "&").replace("or", "|")
    expected = eval(by_sets, {"s": list(sets.values()), "everything": everything})
    assert set(spans_of(five_spans, parse_span_search(search))) == expected


@given(st.text(alphabet='ab.=<>!~:()"\\* or nt&|,1ms*', max_size=30))
def test_any_characters_are_a_search_or_a_syntax_error_within_them(text: str) -> None:
    with suppress(SearchSyntaxError):
        parse_search(text)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("service", ["frontend", "cart", "cart", "frontend", "mail"]),
        ("environment", [None, "prod", None, None, None]),
        ("http.status_code", [None, "503", None, None, None]),
        ("user.tier", [None, "gold", None, None, "tin"]),
        ("resource.rack", [None, "7", None, None, None]),
        ("k8s.pod.name", [None, "cart-7", None, None, None]),
        ("exception.type", [None, "TimeoutError", None, None, None]),
        ("event.name", [None, "exception", None, None, None]),
        ("status", ["UNSET", "ERROR", "UNSET", "UNSET", "UNSET"]),
        ("parent_span_id", [None, f"{1:016x}", f"{2:016x}", None, f"{99:016x}"]),
        ("span.duration", ["50000000", "10000000", "2000000", "900000000", "5000000"]),
        ("'; drop table spans; --", [None] * 5),
    ],
)
def test_any_field_has_a_value_as_text(five_spans: Store, key: str, values: list[str | None]) -> None:
    conditions = Conditions()
    sql = f"select {value_sql(conditions, field_of(key))} as value from spans order by span_id"
    assert five_spans.query(sql, conditions.parameters)["value"].to_pylist() == values
