"""Log records and live updates over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from quacktrace_collector.api.live import LiveFeed
from quacktrace_collector.app_keys import LIVE

RANGE = {"from": "2026-11-22T22:59:00Z", "to": "2026-11-22T23:59:00Z"}


async def bodies(api: Any, **parameters: str) -> list[str]:
    response = await api.get("/api/v1/logs", params={**RANGE, **parameters})
    body = await response.json()
    assert response.status == 200, body
    return [log["body"] for log in body["logs"]]


@pytest.fixture
def three_logs(span_store: Any, new_log: Any) -> None:
    span_store.add_logs(
        new_log("user 42 signed in", time_ms=0, trace=1, span=2),
        new_log("50%_done", time_ms=1000, severity=13, service="cart"),
        new_log(
            "Payment declined",
            time_ms=2000,
            severity=17,
            service="cart",
            trace=1,
            span=3,
            attributes={"card": 'a "b"', "amount": 42},
        ),
    )


@pytest.mark.usefixtures("three_logs")
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["Payment declined", "50%_done", "user 42 signed in"]),
        ({"order": "oldest"}, ["user 42 signed in", "50%_done", "Payment declined"]),
        ({"severity": "warn"}, ["Payment declined", "50%_done"]),
        ({"severity": "ERROR"}, ["Payment declined"]),
        ({"service": "cart", "order": "oldest"}, ["50%_done", "Payment declined"]),
        ({"q": "DECLINED"}, ["Payment declined"]),
        ({"q": "user * signed"}, ["user 42 signed in"]),
        ({"q": "0%_d"}, ["50%_done"]),
        ({"q": "%"}, ["50%_done"]),
        ({"q": "_"}, ["50%_done"]),
        ({"trace_id": f"{1:032X}"}, ["Payment declined", "user 42 signed in"]),
        ({"trace_id": f"{1:032x}", "span_id": f"{3:016x}"}, ["Payment declined"]),
        ({"limit": "1"}, ["Payment declined"]),
        ({"attribute": "amount=42"}, ["Payment declined"]),
        ({"attribute": 'amount card="a \\"b\\""'}, ["Payment declined"]),
        ({"attribute": "amount=43"}, []),
        ({"attribute": "nothing"}, []),
        ({"to": "2026-11-22T23:00:01Z"}, ["user 42 signed in"]),
    ],
)
async def test_search_finds_logs(api: Any, parameters: dict[str, str], expected: list[str]) -> None:
    assert await bodies(api, **parameters) == expected


async def test_an_attribute_that_cannot_be_read_says_how_to_write_one(api: Any) -> None:
    response = await api.get("/api/v1/logs", params={"attribute": 'card="a'})
    assert response.status == 400
    assert "key=value" in (await response.json())["error"]["hint"]


@pytest.mark.usefixtures("three_logs")
async def test_records_are_counted_over_time_by_severity(api: Any) -> None:
    response = await api.get("/api/v1/logs/counts", params={**RANGE, "buckets": "60"})
    answer = await response.json()
    assert answer["total"] == 3
    assert {severity: sum(counts) for severity, counts in answer["counts"].items()} == {
        "error": 1,
        "warn": 1,
        "other": 1,
    }
    assert len(answer["times"]) == len(answer["counts"]["error"])


@pytest.mark.usefixtures("three_logs")
async def test_sealed_logs_are_found_too(api: Any, sealed: Any) -> None:
    sealed()
    assert await bodies(api, severity="error") == ["Payment declined"]


@pytest.mark.usefixtures("three_logs")
async def test_a_traces_logs_are_found_whenever_they_were(api: Any) -> None:
    response = await api.get("/api/v1/logs", params={"trace_id": f"{1:032x}", "to": "2100-01-01T00:00:00Z"})
    assert len((await response.json())["logs"]) == 2


@pytest.mark.parametrize("parameters", [{"severity": "loud"}, {"limit": "5001"}, {"trace_id": "x"}, {"q": "\0"}])
async def test_a_wrong_parameter_is_a_400(api: Any, parameters: dict[str, str]) -> None:
    assert (await api.get("/api/v1/logs", params=parameters)).status == 400


async def next_event(response: Any) -> bytes:
    event: bytes = await asyncio.wait_for(response.content.readuntil(b"\n\n"), 30)
    return event


async def test_a_tick_tells_what_was_committed(api: Any) -> None:
    async with api.get("/api/v1/live") as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        assert await next_event(response) == b": listening\n\n"
        feed = api.app[LIVE]
        await asyncio.to_thread(feed.publish, 3, 1, ["aa", "bb"])
        name, data = (await next_event(response)).decode().strip().split("\n")
        told = json.loads(data.removeprefix("data: "))
        assert (name, told["spans"], told["logs"], told["traces"]) == ("event: tick", 3, 1, ["bb", "aa"])


async def test_a_client_that_reads_slowly_gets_the_sum() -> None:
    feed = LiveFeed(interval_s=0)
    stream = feed.listen()
    await anext(stream)
    for number in range(10_000):
        feed.publish(2, 1, [f"{number:032x}"])
    told = json.loads((await anext(stream)).split(b"data: ")[1])
    assert (told["spans"], told["logs"], len(told["traces"])) == (20_000, 10_000, 20)
    assert told["traces"][0] == f"{9_999:032x}"
    await stream.aclose()
    assert feed.client_count == 0


async def test_a_quiet_stream_is_kept_awake_by_comments() -> None:
    feed = LiveFeed(keep_alive_s=0.01)
    stream = feed.listen()
    await anext(stream)
    assert await anext(stream) == b": quiet\n\n"
    await stream.aclose()


async def test_closing_the_feed_ends_its_streams(api: Any) -> None:
    async with api.get("/api/v1/live") as response:
        await next_event(response)
        await api.app[LIVE].close()
        assert await asyncio.wait_for(response.content.read(), 30) == b""
