"""What each macro answers: spans in, rows out."""

from __future__ import annotations

import re
from typing import Any

import pytest

from quacktrace_collector.query.stack_frames import application_frame

from .conftest import SpanRow, SpanStore, span_hex, trace_hex
from .sql_asking import Ask, asking, shop


@pytest.fixture
def ask(span_store: SpanStore) -> Ask:
    return asking(span_store)


BASE = "timestamp '2026-11-22 23:00:00'"
RANGE = f"{BASE}, {BASE} + interval 1 hour"
MEANINGS: list[tuple[str, list[list[Any]]]] = [
    (f"select name from ancestors('{trace_hex(1)}', '{span_hex(4)}')", [["GET /"], ["GET"], ["GET /cart"]]),
    (f"select name from descendants('{trace_hex(1)}', '{span_hex(2)}')", [["GET /cart"], ["select"], ["price"]]),
    (
        "select service_name, name, descendant_span_id"
        " from with_descendant(parent_span_id is null, service_name = 'cart' and kind = 'CLIENT')",
        [["web", "GET /", span_hex(4)]],
    ),
    ("select name, child_span_id from with_child(kind = 'SERVER', kind = 'INTERNAL')", [["GET /cart", span_hex(5)]]),
    ("from with_descendant(service_name = 'mail', true)", []),
    (
        f"select service_name, calls, errors, time from red({RANGE}, interval 1 hour) where is_entry order by all",
        [
            [name, 1, errors, "2026-11-22T23:00:00.000000000Z"]
            for name, errors in (("cart", 1), ("mail", 0), ("web", 1))
        ],
    ),
    (
        f"select client_service, server_service, type, calls from edges({RANGE}) order by all",
        [
            ["cart", "mail", "link", 1],
            ["cart", "postgresql://db-0/orders", "database", 1],
            ["web", "cart", "call", 1],
        ],
    ),
    (
        f"select service_name, operation, exception_type, message, errors from error_groups({RANGE})",
        [["cart", "select", "Locked", "row ‹n› is locked", 1]],
    ),
    (
        f"select operation, rank, duration_ms, median_ms, times_median from slow_traces({RANGE})",
        [["GET /", 1, 100.0, 100.0, 1.0]],
    ),
    (
        f"select service_name, most_running, started from concurrency({RANGE}) where service_name = 'web'",
        [["web", 1, 1]],
    ),
    (f"select name from running_at({BASE} + interval 62 milliseconds)", [["GET /"], ["GET"], ["GET /cart"], ["price"]]),
]


def test_macros_mean_what_they_say(ask: Ask, span_store: SpanStore) -> None:
    span_store.add(*shop())
    for query, expected in MEANINGS:
        assert ask(query) == expected, query


def test_time_lost_counts_what_is_beyond_the_usual(ask: Ask, span_store: SpanStore) -> None:
    span_store.add(*(SpanRow(index, 1, None, duration_ms=100 if index < 5 else 1100) for index in range(1, 7)))
    ((lost_ms,),) = ask("select time_lost_ms(list(durations), 100) from red")
    assert lost_ms == pytest.approx(2_000, rel=0.1)
    assert ask("select time_lost_ms(list(durations), 100) from red where false") == [[0.0]]


def test_repeated_statements_that_differ_in_their_values_are_found(ask: Ask, span_store: SpanStore) -> None:
    statement = "select * from items where id = {} and name = 'it''s {}'"
    span_store.add(
        SpanRow(1, 1, None, "cart", "GET /cart", "SERVER", 0, 100),
        *(
            SpanRow(
                1,
                number,
                1,
                "cart",
                "select",
                "CLIENT",
                number,
                1,
                attributes={"db.system": "sqlite", "db.statement": statement.format(number, number)},
            )
            for number in range(2, 9)
        ),
    )
    assert ask(f"select operation, what, spans, most_calls from n_plus_one({RANGE})") == [
        ["GET /cart", "select * from items where id = ? and name = ?", 1, 7]
    ]


STACKS = (
    'Traceback:\n  File "/srv/cart/handlers.py", line 3, in charge\n  File "/usr/lib/python3.11/x.py", line 1, in send',
    'Traceback:\n  File "/usr/lib/python3.11/socket.py", line 1, in send',
    "Error: x\n    at /srv/node_modules/a.js:1:2\n    at async add (/srv/cart.js:1:2)",
    "java.lang.X\n\tat java.util.List.get(List.java:1)\n\tat shop.Cart.add(Cart.java:12)",
    "Error\n   at Shop.Cart.Add(String sku) in /src/Cart.cs:line 12",
    "panic\nmain.add(...)\n\t/usr/local/go/src/x.go:5\n\t/src/cart.go:12 +0x1d",
    "nothing like a stack",
)


def test_place_of_an_error_is_the_apis(ask: Ask, span_store: SpanStore) -> None:
    """Written twice, in SQL and in Python: both must name the same frame."""
    for number, stack in enumerate(STACKS, 1):
        exception = ("exception", 1.0, {"exception.type": f"E{number}", "exception.stacktrace": stack})
        span_store.add(SpanRow(number, 1, None, status="ERROR", events=[exception]))
    listed = "\n".join
    found = dict(ask(f"select exception_type, frame from error_groups({RANGE})"))
    for number, stack in enumerate(STACKS, 1):
        lines = [line for line in stack.split("\n") if re.match(r'\s*(File "|at |\S+\.go:)', line)]
        assert found[f"E{number}"] == application_frame(listed(lines)), stack


def test_apostrophe_inside_a_word_opens_no_quote(ask: Ask, span_store: SpanStore) -> None:
    for number, message in enumerate(("can't pay 5, won't try", "unknown key 'a b'", "'only this'"), 1):
        span_store.add(SpanRow(number, 1, None, status="ERROR", status_message=message))
    assert ask(f"select message from error_groups({RANGE}) order by all") == [
        ["'only this'"],
        ["can't pay ‹n›, won't try"],
        ["unknown key ‹…›"],
    ]
