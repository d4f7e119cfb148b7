"""What fails and what is slow, over HTTP."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from quacktrace_collector.query.stack_frames import application_frame

RANGE = {"from": "2026-11-22T23:00:00Z", "to": "2026-11-22T23:10:00Z"}
MINUTE_MS = 60_000


def close_to(value: float) -> Any:
    """Percentiles come from histograms."""
    return pytest.approx(value, rel=0.045)


N, TEXT = "\u2039n\u203a", "\u2039\u2026\u203a"
"""What stands for a number and for any other variable part of a message."""


async def answer(api: Any, path: str, **parameters: str) -> dict[str, Any]:
    response = await api.get(f"/api/v1/{path}", params={**RANGE, **parameters})
    body: dict[str, Any] = await response.json()
    assert response.status == 200, body
    return body


async def test_calls_and_errors_are_counted_by_service_and_bucket(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(
        new_span(1, 1, service="good", kind="SERVER"),
        new_span(2, 2, service="bad", kind="SERVER", status="ERROR"),
        new_span(2, 3, 2, service="bad", status="ERROR"),
        new_span(3, 4, service="bad", kind="SERVER", start_ms=9.5 * MINUTE_MS),
    )
    body = await answer(api, "hotspots", buckets="10")
    assert (body["bucket_s"], len(body["times"])) == (60.0, 10)
    assert (body["times"][0], body["times"][9]) == ("2026-11-22T23:00:00.000000000Z", "2026-11-22T23:09:00.000000000Z")
    assert body["errors"]["services"] == ["bad", "good"]
    assert body["errors"]["calls"] == [[1, *[0] * 8, 1], [1, *[0] * 9]]
    assert body["errors"]["errors"] == [[1, *[0] * 9], [0] * 10]


async def test_latency_counts_entry_spans_by_their_duration(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(
        new_span(1, 1, kind="SERVER", duration_ms=1),
        new_span(2, 2, kind="SERVER", duration_ms=1.01),
        new_span(3, 3, kind="SERVER", duration_ms=1000),
        new_span(3, 4, 3, duration_ms=5000),
    )
    latency = (await answer(api, "hotspots", buckets="1"))["latency"]
    filled = {
        bound: counts[0] for bound, counts in zip(latency["bounds_ms"], latency["counts"], strict=True) if counts[0]
    }
    assert filled == {1.143: 2, 1277.0: 1}
    assert (latency["bounds_ms"][0], latency["bounds_ms"][-1]) == (1.143, 1277.0)
    assert all(1.29 < above / below < 1.31 for below, above in pairwise(latency["bounds_ms"]))


async def test_operations_are_ranked_by_errors_then_by_time_lost(api: Any, span_store: Any, new_span: Any) -> None:
    before = [
        new_span(100 + call, 100 + call, name="slow", start_ms=-MINUTE_MS - call, duration_ms=10) for call in range(4)
    ]
    span_store.add(
        *before,
        new_span(1, 1, name="slow", duration_ms=10),
        new_span(2, 2, name="slow", duration_ms=250, start_ms=10),
        new_span(3, 3, name="failing", status="ERROR", duration_ms=1),
        new_span(4, 4, name="steady", duration_ms=30),
    )
    body = await answer(api, "hotspots", buckets="10")
    assert [row["operation"] for row in body["ranked"]] == ["failing", "slow", "steady"]
    failing, slow, steady = body["ranked"]
    assert (slow["calls"], slow["previous_calls"]) == (2, 4)
    assert (slow["previous_p95_ms"], slow["time_lost_ms"]) == (close_to(10), close_to(240))
    assert slow["example_trace_id"] == f"{2:032x}"
    assert (failing["errors"], failing["error_rate"], failing["error_series"]) == (1, 1.0, [1, *[0] * 9])
    assert (steady["previous_calls"], steady["previous_p95_ms"], steady["time_lost_ms"]) == (0, None, 0.0)


@pytest.mark.parametrize("buckets", ["1", "7", "60", "200"])
@pytest.mark.parametrize("start", ["0", "2026-11-22T22:11:13.123Z", "2026-11-20T00:00:00Z"])
async def test_there_are_never_more_buckets_than_asked_for(
    api: Any, span_store: Any, new_span: Any, buckets: str, start: str
) -> None:
    span_store.add(*(new_span(hour + 1, hour + 1, start_ms=-hour * 3_600_000) for hour in range(60)))
    body = await answer(api, "hotspots", **{"from": start, "buckets": buckets})
    assert len(body["times"]) <= int(buckets)
    counted = sum(sum(row) for row in body["errors"]["calls"])
    assert counted == sum(row["calls"] for row in body["ranked"]) > 0
    assert all(len(row) == len(body["times"]) for row in body["latency"]["counts"])


async def test_one_service_can_be_asked_for(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(new_span(1, 1, service="a", status="ERROR"), new_span(2, 2, service="b", status="ERROR"))
    body = await answer(api, "hotspots", service="a")
    assert body["errors"]["services"] == ["a"]
    assert [row["service_name"] for row in body["ranked"]] == ["a"]
    assert [group["service_name"] for group in (await answer(api, "errors", service="a"))["groups"]] == ["a"]


async def test_hotspots_of_nothing_are_empty(api: Any) -> None:
    body = await answer(api, "hotspots")
    assert (body["errors"]["services"], body["ranked"], body["data_from"]) == ([], [], None)
    assert (await answer(api, "errors"))["groups"] == []


@pytest.mark.parametrize("parameters", [{"buckets": "0"}, {"buckets": "201"}, {"limit": "501"}])
async def test_a_wrong_parameter_is_a_400(api: Any, parameters: dict[str, str]) -> None:
    path = "errors" if "limit" in parameters else "hotspots"
    assert (await api.get(f"/api/v1/{path}", params=parameters)).status == 400


TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/server.py", line 20, in handle
    charge(order)
  File "/srv/app/handlers.py", line {line}, in charge
    client.post(url)
  File "/usr/lib/python3.11/site-packages/requests/api.py", line 59, in request
    return session.request()
requests.exceptions.ConnectTimeout: order {order} timed out
"""


def failure(new_span: Any, number: int, **changes: Any) -> Any:
    """A failed charge of an order of its own, with an exception event."""
    attributes = {
        "exception.type": "requests.exceptions.ConnectTimeout",
        "exception.message": f"order {number} of 'user-{number}' at 10.0.0.{number}:84 timed out after {number / 10} s",
        "exception.stacktrace": TRACEBACK.format(line=40 + number % 2, order=number),
    }
    stated = {
        "service": "payment",
        "name": "POST /charge",
        "status": "ERROR",
        "start_ms": number * 1000,
        "events": [("exception", number * 1000 + 1, attributes)],
        **changes,
    }
    return new_span(number, number, 1000 + number, **stated)


async def test_only_the_deepest_failing_span_of_a_chain_is_an_origin(api: Any, span_store: Any, new_span: Any) -> None:
    for number in range(1, 6):
        span_store.add(
            new_span(
                number, 1000 + number, service="gateway", name="POST /pay", status="ERROR", start_ms=number * 1000
            ),
            failure(new_span, number),
        )
    (group,) = (await answer(api, "errors"))["groups"]
    assert (group["service_name"], group["operation"], group["count"], group["traces"]) == (
        "payment",
        "POST /charge",
        5,
        5,
    )
    assert group["exception_type"] == "requests.exceptions.ConnectTimeout"
    assert group["message"] == f"order {N} of {TEXT} at {N}:{N} timed out after {N} s"
    assert group["frame"] == "handlers.py in charge"
    assert (group["first_seen"], group["last_seen"]) == (
        "2026-11-22T23:00:01.000000000Z",
        "2026-11-22T23:00:05.000000000Z",
    )
    assert (group["example_trace_id"], group["example_span_id"]) == (f"{5:032x}", f"{5:016x}")
    assert (group["samples"][0]["trace_id"], group["samples"][0]["span_id"]) == (f"{5:032x}", f"{5:016x}")
    assert len({sample["trace_id"] for sample in group["samples"]}) == len(group["samples"]) == min(5, group["traces"])
    assert group["entry_points"] == [{"service_name": "gateway", "operation": "POST /pay", "traces": 5, "failed": 5}]
    assert sum(group["series"]) == 5


async def test_a_failure_without_an_exception_is_grouped_by_what_it_says(
    api: Any, span_store: Any, new_span: Any
) -> None:
    span_store.add(
        new_span(1, 1, status="ERROR", status_message="stock of sku 7 is 0x1f"),
        new_span(
            2, 2, status="ERROR", status_message="stock of sku 9 is 0x2e", attributes={"error.type": "OutOfStock"}
        ),
        new_span(3, 3, status="ERROR", attributes={"http.response.status_code": 503}),
        new_span(4, 4, status="ERROR"),
    )
    groups = (await answer(api, "errors"))["groups"]
    assert {(group["exception_type"], group["message"], group["frame"]) for group in groups} == {
        ("", f"stock of sku {N} is {TEXT}", None),
        ("OutOfStock", f"stock of sku {N} is {TEXT}", None),
        ("HTTP 503", "", None),
        ("", "", None),
    }
    assert len({group["group_id"] for group in groups}) == 4


async def test_a_group_says_which_versions_and_instances_it_comes_from(
    api: Any, span_store: Any, new_span: Any
) -> None:
    for number, version, instance in ((1, "2.0", "b"), (2, "2.0", "c"), (3, "1.0", "b")):
        resource = {"service.version": version, "service.instance.id": instance}
        span_store.add(new_span(number, number, status="ERROR", resource=resource))
    span_store.add(new_span(4, 4, status="ERROR"))
    (group,) = (await answer(api, "errors"))["groups"]
    assert (group["versions"], group["instances"]) == (["1.0", "2.0"], ["b", "c"])


async def test_the_largest_groups_come_first_up_to_the_limit(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(
        new_span(1, 1, status="ERROR", status_message="rare"),
        *(new_span(2, span, status="ERROR", status_message="frequent") for span in range(2, 5)),
    )
    groups = (await answer(api, "errors", limit="1"))["groups"]
    assert [(group["message"], group["count"], group["traces"]) for group in groups] == [("frequent", 3, 1)]


async def test_a_groups_id_does_not_change_with_the_range(
    api: Any, span_store: Any, new_span: Any, sealed: Any
) -> None:
    span_store.add(failure(new_span, 1), failure(new_span, 400))
    (first,) = (await answer(api, "errors", to="2026-11-22T23:01:00Z"))["groups"]
    sealed()
    (all_of_them,) = (await answer(api, "errors", **{"from": "0"}))["groups"]
    assert (first["group_id"], first["count"]) == (all_of_them["group_id"], 1)
    assert all_of_them["count"] == 2


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ('File "/srv/a.py", line 1, in f\nFile "/srv/b.py", line 2, in g', "b.py in g"),
        ('File "/x/site-packages/a.py", line 1, in f', "a.py in f"),
        (
            "at java.net.Socket.connect(Socket.java:5)\n\tat shop.Cart.add(Cart.java:12)\nat a.Main.main(Main.java:1)",
            "Cart.java in shop.Cart.add",
        ),
        ("at Object.<anonymous> (node:internal/x:1:2)\n    at add (/srv/cart.js:10:5)", "cart.js in add"),
        ("at async run (/srv/node_modules/x/y.js:1:1)\n    at /srv/main.js:3:4", "main.js"),
        (r"at Shop.Cart.Add(String sku) in C:\src\Cart.cs:line 12", "Cart.cs in Shop.Cart.Add"),
        ("/usr/local/go/src/net/http/server.go:2136 +0x2f\n\t/srv/cart/main.go:42 +0x1d", "main.go"),
        ("", None),
        ("nothing that looks like a frame", None),
        ("at " + "(" * 5000, None),
    ],
)
def test_the_applications_innermost_frame_is_named(frames: str, expected: str | None) -> None:
    assert application_frame(frames) == expected
