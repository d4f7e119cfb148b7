"""What sets a selection of spans apart from its baseline, over HTTP."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from quacktrace_collector.diagnose.significance import discoveries, rank_p_value, share_p_value

RANGE = {"from": "2026-11-22T23:00:00Z", "to": "2026-11-22T23:10:00Z"}


async def comparison(api: Any, selection: Any, **body: Any) -> dict[str, Any]:
    response = await api.post("/api/v1/compare", json={**RANGE, "selection": selection, **body})
    answer: dict[str, Any] = await response.json()
    assert response.status == 200, answer
    return answer


def fill(span_store: Any, new_span: Any, *, spans: int = 300) -> None:
    """Slow are those of one region with a flag; colours and sizes are noise."""
    random = np.random.default_rng(5)
    rows = []
    for number in range(1, spans + 1):
        slow = number % 6 == 0
        rows.append(
            new_span(
                number,
                number,
                service="shop",
                name="GET /",
                start_ms=number,
                duration_ms=900 if slow else 10,
                attributes={
                    "region": "eu-3" if slow or number % 5 == 0 else f"eu-{number % 3}",
                    "colour": str(random.choice(["red", "green", "blue"])),
                    "size": int(random.integers(1, 1000)),
                    "payload.bytes": float(random.normal(9000 if slow else 1000, 300)),
                },
                resource={"host.name": "slow-host" if slow else f"host-{number % 2}"},
            )
        )
    span_store.add(*rows)


async def test_what_differs_is_found_and_noise_is_not(api: Any, span_store: Any, new_span: Any) -> None:
    fill(span_store, new_span)
    body = await comparison(api, {"service": "shop", "min_duration": "500ms"})
    assert (body["selection"]["spans"], body["baseline"]["spans"]) == (50, 250)
    assert {(one["scope"], one["key"]) for one in body["values"]} == {("span", "region"), ("resource", "host.name")}
    host = body["values"][0]
    assert (host["value"], host["share"], host["baseline_share"], host["spans"]) == ("slow-host", 1.0, 0.0, 50)
    assert host["p_value"] < 1e-9
    numbers = {one["key"]: one for one in body["numbers"]}
    assert set(numbers) == {"payload.bytes"}
    assert numbers["payload.bytes"]["p50"] == pytest.approx(9000, rel=0.05)
    assert numbers["payload.bytes"]["baseline_p50"] == pytest.approx(1000, rel=0.1)
    assert numbers["payload.bytes"]["greater_in"] == 1.0


async def test_a_selection_may_be_a_search_and_the_baseline_another_time(
    api: Any, span_store: Any, new_span: Any
) -> None:
    rows = [
        new_span(n, n, start_ms=n * 10, attributes={"build": "new" if n > 100 else "old"}, status="ERROR")
        for n in range(1, 201)
    ]
    span_store.add(*rows)
    body = await comparison(
        api,
        "status = error",
        baseline={"q": "status = error", "from": "2026-11-22T23:00:00Z", "to": "2026-11-22T23:00:01.005Z"},
        **{"from": "2026-11-22T23:00:01.005Z"},
    )
    assert (body["selection"]["spans"], body["baseline"]["spans"]) == (100, 100)
    assert [(one["key"], one["value"], one["difference"]) for one in body["values"]] == [
        ("build", "new", 1.0),
        ("build", "old", -1.0),
    ]


async def test_operations_that_differ_are_values_too(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(
        *(new_span(n, n, name="pay" if n < 40 else "look", status="ERROR" if n < 40 else "OK") for n in range(1, 101))
    )
    body = await comparison(api, {"status": "error"})
    assert ("intrinsic", "name", "pay") in {(one["scope"], one["key"], one["value"]) for one in body["values"]}


async def test_nothing_selected_is_an_answer(api: Any, span_store: Any, new_span: Any) -> None:
    fill(span_store, new_span, spans=12)
    body = await comparison(api, {"service": "nobody"})
    assert (body["values"], body["numbers"]) == ([], [])
    assert body["not_enough_because"] == "the selection has no spans"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 5000,
        b'{"selection": {}}',
        b'{"selection": {"servce": "x"}}',
        b'{"selection": {"service": ["x"]}}',
        b'{"selection": {"service": "a\\u0000b"}}',
        b'{"selection": {"q": "status ="}}',
        b'{"selection": {"min_duration": "soon"}}',
        b'{"selection": {"service": "x"}, "baseline": 7}',
        b'{"selection": {"service": "x"}, "from": "never"}',
    ],
)
async def test_a_wrong_request_is_a_400(api: Any, body: bytes) -> None:
    response = await api.post("/api/v1/compare", data=body)
    assert response.status == 400, await response.text()
    assert (await response.json())["error"]["hint"]


async def test_half_a_surrogate_is_only_a_name_that_nobody_has(api: Any) -> None:
    response = await api.post("/api/v1/compare", data=b'{"selection": {"service": "\\ud800"}}')
    assert response.status == 200


def test_p_values_are_those_of_the_textbook() -> None:
    # Fisher's tea: 3 of 4 against 1 of 4.
    assert share_p_value(3, 4, 1, 4) == pytest.approx(0.485714, abs=1e-5)
    assert share_p_value(9, 9, 0, 9) == pytest.approx(2 / math.comb(18, 9), rel=1e-6)
    assert share_p_value(60, 100, 40, 100) == pytest.approx(0.0046, abs=2e-4)
    assert share_p_value(5, 10, 5, 10) == 1.0


def test_ranks_find_a_shift_and_no_difference_where_there_is_none() -> None:
    values, once = np.arange(60.0), np.ones(60)
    upper = (values >= 30).astype(float)
    p_value, greater = rank_p_value(values, upper, once - upper)
    assert (greater, p_value < 1e-9) == (1.0, True)
    p_value, greater = rank_p_value(values, once, once)
    assert (greater, p_value) == (0.5, 1.0)


def test_of_many_tests_few_discoveries_are_chance() -> None:
    random = np.random.default_rng(3)
    assert not discoveries(random.uniform(size=2000), false_share=0.01).any()
    mixed = np.concatenate([np.full(10, 1e-9), random.uniform(0.01, 1, size=2000)])
    assert discoveries(mixed, false_share=0.01).nonzero()[0].tolist() == list(range(10))
