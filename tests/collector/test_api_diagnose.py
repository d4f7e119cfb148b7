"""What changed between a range and its baseline, and where it starts, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from quacktrace_collector.diagnose.proportions import sure_increase
from quacktrace_collector.diagnose.trimmed_means import trimmed_means

from .sql_asking import asking

MINUTE_MS = 60_000
WINDOWS = {
    "from": "2026-11-22T23:10:00Z",
    "to": "2026-11-22T23:20:00Z",
    "baseline_from": "2026-11-22T23:00:00Z",
    "baseline_to": "2026-11-22T23:10:00Z",
}
TRACES = 40
Request = Callable[..., list[Any]]


@pytest.fixture
def request_of(new_span: Any) -> Request:
    """The gateway calls payment, which asks its database and then stock."""

    def request(
        number: int,
        *,
        payment_ms: float = 5,
        network_ms: float = 2,
        stock_ms: float = 5,
        stock_network_ms: float = 2,
        gateway_ms: float = 3,
        calls_stock: bool = True,
        failing: Sequence[str] = (),
        version: str = "1",
        payment: str = "payment",
    ) -> list[Any]:
        start, base = number * 10_000.0, (number + 1) * 100
        jitter = number % 7 / 10
        stock_all_ms = stock_ms + stock_network_ms if calls_stock else 0
        payment_all_ms = payment_ms + jitter + 4 + stock_all_ms
        call_ms = payment_all_ms + network_ms

        def span(place: int, parent: int | None, service: str, name: str, kind: str, at: float, ms: float) -> Any:
            return new_span(
                number + 1,
                base + place,
                None if parent is None else base + parent,
                service=service,
                name=name,
                kind=kind,
                start_ms=start + at,
                duration_ms=ms,
                status="ERROR" if name in failing else "UNSET",
                resource={"service.version": version} if service == payment else {},
            )

        in_payment = 1 + network_ms / 2
        spans = [
            span(1, None, "gateway", "POST /pay", "SERVER", 0, gateway_ms + call_ms),
            span(2, 1, "gateway", "call payment", "CLIENT", 1, call_ms),
            span(3, 2, payment, "charge", "SERVER", in_payment, payment_all_ms),
            span(4, 3, payment, "SELECT cards", "CLIENT", in_payment + 1, 4),
        ]
        if calls_stock:
            spans += [
                span(5, 3, payment, "call stock", "CLIENT", in_payment + 6, stock_all_ms),
                span(6, 5, "stock", "reserve", "SERVER", in_payment + 6 + stock_network_ms / 2, stock_ms),
            ]
        return spans

    return request


async def diagnosis(api: Any, **parameters: str) -> dict[str, Any]:
    response = await api.get("/api/v1/diagnose", params={**WINDOWS, **parameters})
    body: dict[str, Any] = await response.json()
    assert response.status == 200, body
    return body


def fill(span_store: Any, request_of: Request, **changed: Any) -> None:
    """Forty usual requests, then forty that are different."""
    span_store.add(*(span for number in range(TRACES) for span in request_of(number)))
    span_store.add(*(span for number in range(60, 60 + TRACES) for span in request_of(number, **changed)))


@pytest.mark.parametrize(
    ("changed", "service_name", "kind", "operation"),
    [
        ({"payment_ms": 80}, "payment", "latency", "charge"),
        ({"network_ms": 90}, "payment", "network", "call payment"),
        ({"stock_network_ms": 90}, "stock", "network", "call stock"),
        ({"gateway_ms": 90}, "gateway", "latency", "POST /pay"),
        ({"network_ms": 90, "stock_network_ms": 90}, "payment", "network", "call payment"),
        ({"failing": ("POST /pay", "call payment", "charge")}, "payment", "errors", "charge"),
        ({"failing": ("POST /pay", "call payment")}, "payment", "errors", "call payment"),
        ({"calls_stock": False}, "payment", "missing_calls", "charge"),
    ],
)
async def test_the_service_in_which_a_change_starts_is_ranked_first(
    api: Any, span_store: Any, request_of: Request, changed: Any, service_name: str, kind: str, operation: str
) -> None:
    fill(span_store, request_of, **changed)
    body = await diagnosis(api)
    first = body["ranked"][0]
    assert (first["service_name"], first["kind"], first["operation"]) == (service_name, kind, operation)
    assert first["is_significant"]
    assert 0 < first["score"] <= 1
    assert body["is_sure"]
    assert body["sentence"].startswith(f"The likeliest origin is {service_name}: ")
    assert first["changes"][0]["calls"] == TRACES
    assert body["operations"][0]["service_name"] == service_name
    assert not [one for one in body["ranked"] if one["is_significant"] and one["service_name"] != service_name]


@pytest.fixture
def fan_out(new_span: Any) -> Request:
    """The gateway asks three services, one after the other, each by a client that is called GET."""

    def request(
        number: int,
        *,
        unanswered: str = "",
        fails: bool = False,
        error_page: bool = False,
        slow: tuple[str, float] = ("", 0),
        stops_at: str = "",
    ) -> list[Any]:
        start, base = number * 10_000.0, (number + 1) * 100

        def span(place: int, parent: int | None, service: str, name: str, kind: str, at: float, ms: float) -> Any:
            return new_span(
                number + 1,
                base + place,
                None if parent is None else base + parent,
                service=service,
                name=name,
                kind=kind,
                start_ms=start + at,
                duration_ms=ms,
                status="ERROR" if fails and service == "gateway" else "UNSET",
            )

        calls, at = [], 1.0
        for place, service in enumerate(("users", "stock", "prices")):
            if stops_at == service:
                break
            extra_ms = slow[1] if slow[0] == service else 0
            calls.append(span(10 + place, 1, "gateway", "GET", "CLIENT", at, 8 + extra_ms + number % 5 / 10))
            if service != unanswered:
                calls.append(span(20 + place, 10 + place, service, f"GET /{service}", "SERVER", at + 1, 5))
            at += 10 + extra_ms
        if error_page:
            calls.append(span(30, 1, "gateway", "BasicErrorController.error", "INTERNAL", at, 1))
        return [span(1, None, "gateway", "GET /page", "SERVER", 0, at + 2), *calls]

    return request


async def test_the_service_that_no_longer_answers_is_told_among_calls_of_one_name(
    api: Any, span_store: Any, fan_out: Request
) -> None:
    fill(span_store, fan_out, unanswered="stock", fails=True)
    first = (await diagnosis(api))["ranked"][0]
    kinds = {change["kind"]: change for change in first["changes"]}
    assert first["service_name"] == "stock"
    assert {"errors", "unanswered"} <= set(kinds)
    assert kinds["unanswered"]["sentence"] == "calls of GET /stock by gateway are answered in 0% instead of 100%."
    counts = {is_current: answered for is_current, _, answered in asking(span_store)(kinds["unanswered"]["sql"])}
    assert counts == {False: TRACES, True: 0}


async def test_a_service_that_stops_calling_another_is_to_blame_itself(
    api: Any, span_store: Any, fan_out: Request
) -> None:
    fill(span_store, fan_out, stops_at="stock")
    first = (await diagnosis(api))["ranked"][0]
    assert (first["service_name"], first["kind"]) == ("gateway", "missing_calls")
    (change,) = (change for change in first["changes"] if change["kind"] == "missing_calls")
    counts = {is_current: calling for is_current, _, calling in asking(span_store)(change["sql"])}
    assert counts == {False: TRACES, True: 0}


async def test_a_call_that_is_seldom_slow_is_found(api: Any, span_store: Any, fan_out: Request) -> None:
    span_store.add(*(span for number in range(0, 300, 2) for span in fan_out(number // 5)))
    numbers = range(60, 120)
    span_store.add(
        *(span for n in range(60) for span in fan_out(n)),
        *(span for n in numbers for span in fan_out(n, slow=("prices", 900 if n % 13 == 0 else 0))),
    )
    first = (await diagnosis(api))["ranked"][0]
    assert (first["service_name"], first["kind"]) == ("prices", "network")


async def test_an_error_page_is_a_failure_and_its_absence_none(api: Any, span_store: Any, fan_out: Request) -> None:
    fill(span_store, fan_out, error_page=True)
    first = (await diagnosis(api))["ranked"][0]
    assert (first["service_name"], first["kind"], first["operation"]) == ("gateway", "errors", "GET /page")
    turned = {
        "from": WINDOWS["baseline_from"],
        "to": WINDOWS["baseline_to"],
        "baseline_from": WINDOWS["from"],
        "baseline_to": WINDOWS["to"],
    }
    assert (await diagnosis(api, **turned))["ranked"] == []


async def test_the_handler_beside_the_calls_of_a_reactive_server_is_not_slow_itself(
    api: Any, span_store: Any, new_span: Any
) -> None:
    def request(number: int, payment_ms: float) -> list[Any]:
        start, base = number * 10_000.0, (number + 1) * 100

        def span(place: int, parent: int | None, service: str, name: str, kind: str, at: float, ms: float) -> Any:
            above = None if parent is None else base + parent
            times = {"start_ms": start + at, "duration_ms": ms + number % 7 / 10}
            return new_span(number + 1, base + place, above, service=service, name=name, kind=kind, **times)

        return [
            span(1, None, "gateway", "/*", "SERVER", 0, payment_ms + 8),
            span(2, 1, "gateway", "WebHandler.handle", "INTERNAL", 1, payment_ms + 6),
            span(3, 1, "gateway", "POST", "CLIENT", 2, payment_ms + 4),
            span(4, 3, "payment", "charge", "SERVER", 3, payment_ms),
        ]

    for first, ms in ((0, 5), (60, 80)):
        span_store.add(*(span for number in range(first, first + TRACES) for span in request(number, ms)))
    ranked = (await diagnosis(api))["ranked"]
    assert [one["service_name"] for one in ranked] == ["payment"]


async def test_two_ranges_that_are_alike_have_no_origin(api: Any, span_store: Any, request_of: Request) -> None:
    fill(span_store, request_of)
    body = await diagnosis(api)
    assert body["sentence"] == "Nothing changed beyond chance."
    assert not [one for one in body["ranked"] if one["is_significant"]]
    assert (body["traces"], body["baseline"]["traces"], body["not_enough_because"]) == (TRACES, TRACES, None)


async def test_two_services_that_changed_alike_are_both_named(api: Any, span_store: Any, request_of: Request) -> None:
    fill(span_store, request_of, stock_ms=90, gateway_ms=90)
    body = await diagnosis(api)
    assert not body["is_sure"]
    assert body["sentence"].startswith("Not sure whether it started with ")
    assert {"gateway", "stock"} == {one["service_name"] for one in body["ranked"][:2]}
    assert all(one["service_name"] in body["sentence"] for one in body["ranked"][:2])


async def test_without_a_baseline_it_is_what_came_before(api: Any, span_store: Any, request_of: Request) -> None:
    fill(span_store, request_of, payment_ms=80)
    response = await api.get("/api/v1/diagnose", params={"from": WINDOWS["from"], "to": WINDOWS["to"]})
    body = await response.json()
    assert (body["baseline"]["chosen"], body["baseline"]["traces"]) == ("before", TRACES)
    assert body["ranked"][0]["service_name"] == "payment"


async def test_with_nothing_before_it_is_what_came_after(api: Any, span_store: Any, request_of: Request) -> None:
    fill(span_store, request_of, payment_ms=80)
    response = await api.get("/api/v1/diagnose", params={"from": WINDOWS["baseline_from"], "to": WINDOWS["from"]})
    body = await response.json()
    assert (body["baseline"]["chosen"], body["baseline"]["traces"]) == ("after", TRACES)


async def test_too_small_a_baseline_is_said_and_nothing_is_significant(
    api: Any, span_store: Any, request_of: Request
) -> None:
    span_store.add(*(span for number in range(12) for span in request_of(number)))
    span_store.add(*(span for number in range(60, 90) for span in request_of(number, payment_ms=80)))
    body = await diagnosis(api)
    assert body["not_enough_because"] == "the baseline has 12 traces, and fewer than 20 say little"
    assert body["ranked"][0]["service_name"] == "payment"
    assert not body["ranked"][0]["is_significant"]


async def test_the_new_version_that_brought_it_is_named(api: Any, span_store: Any, request_of: Request) -> None:
    fill(span_store, request_of, payment_ms=80, version="2")
    (where,) = (await diagnosis(api))["ranked"][0]["where"]
    assert (where["attribute"], where["value"], where["is_new"]) == ("service.version", "2", True)


@pytest.mark.parametrize(
    "changed",
    [{"payment_ms": 80}, {"network_ms": 90}, {"failing": ("charge",)}, {"calls_stock": False}],
)
async def test_the_sql_of_every_change_counts_it_again(
    api: Any, span_store: Any, request_of: Request, changed: Any
) -> None:
    fill(span_store, request_of, **changed)
    (first, *_) = (await diagnosis(api))["ranked"]
    for change in first["changes"]:
        counts = [(is_current, calls) for is_current, calls, *_ in asking(span_store)(change["sql"])]
        assert counts == [(False, change["usual_calls"]), (True, change["calls"])]


async def test_names_full_of_sql_and_markup_do_no_harm(api: Any, span_store: Any, request_of: Request) -> None:
    name = "'); drop table spans; -- <b>'"
    for first, ms in ((0, 5), (60, 80)):
        numbers = range(first, first + TRACES)
        span_store.add(*(span for n in numbers for span in request_of(n, payment=name, payment_ms=ms)))
    first_ranked = (await diagnosis(api))["ranked"][0]
    assert first_ranked["service_name"] == name
    assert len(asking(span_store)(first_ranked["changes"][0]["sql"])) == 2


async def test_logged_errors_count_as_failures(api: Any, span_store: Any, request_of: Request, new_log: Any) -> None:
    fill(span_store, request_of)
    span_store.add_logs(
        *(
            new_log(
                "it broke", service="stock", time_ms=n * 10_000 + 5, severity=17, trace=n + 1, span=(n + 1) * 100 + 6
            )
            for n in range(60, 60 + TRACES)
        )
    )
    first = (await diagnosis(api))["ranked"][0]
    assert (first["service_name"], first["kind"], first["operation"]) == ("stock", "errors", "reserve")


async def test_ranges_may_overlap(api: Any, span_store: Any, request_of: Request) -> None:
    fill(span_store, request_of, network_ms=90)
    body = await diagnosis(api, baseline_to=WINDOWS["to"])
    assert (body["traces"], body["baseline"]["traces"]) == (TRACES, 2 * TRACES)
    assert body["ranked"][0]["service_name"] == "payment"


async def test_cycles_lost_parents_and_empty_names_have_an_answer(api: Any, span_store: Any, new_span: Any) -> None:
    random = np.random.default_rng(11)
    kinds = ["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
    rows = []
    for number in range(1, 1500):
        first_half = number < 750
        rows.append(
            new_span(
                number // 15 + 1,
                number,
                int(random.integers(1, 1500))
                if random.random() < 0.3
                else number // 15 * 15 + int(random.integers(0, 15)) + 1,
                service=str(random.choice(["", "a", "b", "c\u2028"])),
                name=str(random.choice(["", "x", "y" * 300])),
                kind=str(random.choice(kinds)),
                start_ms=float(random.integers(0, 500_000)) + (0 if first_half else 600_000),
                duration_ms=float(random.choice([0, 1, 1e7, random.exponential(50)])),
                status="ERROR" if random.random() < (0.1 if first_half else 0.4) else "OK",
            )
        )
    span_store.add(*rows)
    body = await diagnosis(api)
    assert body["ranked"]
    assert all(0 < origin["score"] <= 1 and origin["changes"] for origin in body["ranked"])


async def test_an_empty_range_has_an_answer(api: Any) -> None:
    body = await diagnosis(api)
    assert (body["ranked"], body["operations"], body["traces"]) == ([], [], 0)


@pytest.mark.parametrize(
    "parameters", [{"baseline_from": "yesterday"}, {"baseline_from": "2026-11-22T23:30:00Z"}, {"from": "x"}]
)
async def test_a_wrong_time_is_a_400(api: Any, parameters: dict[str, str]) -> None:
    response = await api.get("/api/v1/diagnose", params={**WINDOWS, **parameters})
    assert response.status == 400


def test_trimmed_means_are_those_of_each_group_without_its_ends() -> None:
    random = np.random.default_rng(7)
    group, values = random.integers(0, 9, 500), random.exponential(100, 500)
    group[group == 4] = 5
    means = trimmed_means(group, values, groups=10)
    for one in range(10):
        mine = np.sort(values[group == one])
        assert means.count[one] == len(mine)
        if len(mine):
            cut = len(mine) // 10
            assert means.mean[one] == pytest.approx(mine[cut : len(mine) - cut].mean())
            winsorised = np.clip(mine, mine[cut], mine[len(mine) - cut - 1])
            expected = ((winsorised - means.mean[one]) ** 2).sum() / (0.64 * len(mine) * (len(mine) - 1))
            assert means.variance[one] == pytest.approx(expected)


def test_nothing_is_sure_of_a_few_tries() -> None:
    assert sure_increase(2, 2, 0, 2, sureness=2) == 0
    assert sure_increase(30, 30, 0, 30, sureness=2) == pytest.approx(0.85, abs=0.01)
    assert sure_increase(0, 30, 30, 30, sureness=2) == 0
