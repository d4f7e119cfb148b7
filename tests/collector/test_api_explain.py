"""Why a trace was slow or failed, against its like."""

from __future__ import annotations

from typing import Any

import pytest

from quacktrace_collector.query.explanation import duration_text


def checkout(new_span: Any, number: int, *, query_ms: float = 10, network_ms: float = 2, queries: int = 1) -> list[Any]:
    """A checkout 10 s after the one before: gateway -> payment -> database, its calls one after the other."""
    start = number * 10_000.0
    payment_ms = 5 + queries * query_ms
    client_ms = payment_ms + network_ms
    base = number * 1000
    return [
        new_span(
            number,
            base,
            service="gateway",
            name="POST /checkout",
            kind="SERVER",
            start_ms=start,
            duration_ms=client_ms + 4,
        ),
        new_span(
            number,
            base + 1,
            base,
            service="gateway",
            name="POST",
            kind="CLIENT",
            start_ms=start + 2,
            duration_ms=client_ms,
        ),
        new_span(
            number,
            base + 2,
            base + 1,
            service="payment",
            name="POST /charge",
            kind="SERVER",
            start_ms=start + 2 + network_ms / 2,
            duration_ms=payment_ms,
        ),
        *(
            new_span(
                number,
                base + 3 + query,
                base + 2,
                service="payment",
                name="SELECT cards",
                kind="CLIENT",
                start_ms=start + 4 + network_ms / 2 + query * query_ms,
                duration_ms=query_ms,
            )
            for query in range(queries)
        ),
    ]


def usual(new_span: Any, count: int = 40) -> list[Any]:
    return [span for number in range(1, count + 1) for span in checkout(new_span, number, query_ms=10 + number % 3)]


async def explained(api: Any, number: int) -> dict[str, Any]:
    response = await api.get(f"/api/v1/traces/{number:032x}/explain")
    body: dict[str, Any] = await response.json()
    assert response.status == 200, body
    if body["parts"]:
        assert sum(part["extra_ms"] for part in body["parts"]) == pytest.approx(body["difference_ms"])
    return body


async def test_a_slow_query_is_named_as_the_cause(api: Any, span_store: Any, new_span: Any, sealed: Any) -> None:
    span_store.add(*usual(new_span))
    sealed()
    span_store.add(*checkout(new_span, 50, query_ms=500))
    body = await explained(api, 50)
    assert (body["is_slow"], body["is_failed"], body["baseline"]["traces"], body["baseline"]["slower_than"]) == (
        True,
        False,
        40,
        1.0,
    )
    first = body["parts"][0]
    assert (first["service_name"], first["operation"], first["calls"], first["usual_calls"]) == (
        "payment",
        "SELECT cards",
        1,
        1.0,
    )
    assert first["path"] == [
        "gateway: POST /checkout",
        "gateway: POST",
        "payment: POST /charge",
        "payment: SELECT cards",
    ]
    assert first["span_ids"] == [f"{50_003:016x}"]
    assert first["extra_ms"] == pytest.approx(489, abs=1)
    assert body["sentence"] == (
        "It took 511 ms, slower than 100% of 40 like it, which usually take 22 ms. "
        f"The extra time is {duration_text(first['extra_ms'])} in payment at SELECT cards."
    )


async def test_time_on_the_network_is_named_as_such(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(*usual(new_span), *checkout(new_span, 50, network_ms=300))
    body = await explained(api, 50)
    assert (body["parts"][0]["operation"], body["parts"][0]["waits_for"]) == ("POST", "payment")
    assert "between gateway and payment (network or queueing)" in body["sentence"]


async def test_many_calls_instead_of_one_are_said(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(*usual(new_span), *checkout(new_span, 50, queries=40))
    body = await explained(api, 50)
    assert (body["parts"][0]["calls"], body["parts"][0]["usual_calls"]) == (40, 1.0)
    assert body["sentence"].endswith("in payment at SELECT cards, called 40 times instead of 1.")


async def test_a_usual_trace_is_called_usual(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(*usual(new_span), *checkout(new_span, 50, query_ms=11))
    body = await explained(api, 50)
    assert (body["is_slow"], body["is_failed"]) == (False, False)
    assert "not unusual" in body["sentence"]


async def test_fewer_than_twenty_others_are_not_enough(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(*usual(new_span, 19), *checkout(new_span, 50, query_ms=500))
    body = await explained(api, 50)
    assert (body["baseline"], body["parts"], body["difference_ms"], body["is_slow"]) == (None, [], None, False)
    assert "not enough baseline" in body["sentence"]


async def test_a_failure_is_explained_by_where_it_began(api: Any, span_store: Any, new_span: Any) -> None:
    exception = ("exception", 1.0, {"exception.type": "CardError", "exception.message": "card declined"})
    span_store.add(
        new_span(1, 1, service="gateway", name="POST /checkout", status="ERROR"),
        new_span(1, 2, 1, service="payment", name="POST /charge", status="ERROR", events=[exception]),
    )
    body = await explained(api, 1)
    assert (body["is_failed"], [failure["span_id"] for failure in body["failures"]]) == (True, [f"{2:016x}"])
    assert body["sentence"].startswith("Failed in payment at POST /charge (CardError: card declined).")


async def test_a_trace_without_its_root_has_no_baseline(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(*usual(new_span), new_span(99, 1, 2, service="gateway", name="POST /checkout", kind="SERVER"))
    body = await explained(api, 99)
    assert (body["baseline"], body["no_baseline_because"]) == (None, "the trace has no root span to compare by")


async def test_an_unknown_trace_is_a_404(api: Any) -> None:
    assert (await api.get(f"/api/v1/traces/{7:032x}/explain")).status == 404
