"""Traces over HTTP: finding them, opening one, one span."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

RANGE = {"from": "2026-11-22T22:59:00Z", "to": "2026-11-22T23:59:00Z"}


async def found(api: Any, **parameters: str) -> list[int]:
    """Numbers of the traces that a search answers, in its order."""
    response = await api.get("/api/v1/traces", params={**RANGE, **parameters})
    body = await response.json()
    assert response.status == 200, body
    return [int(trace["trace_id"], 16) for trace in body["traces"]]


@pytest.fixture
def three_traces(span_store: Any, new_span: Any) -> None:
    """1: a checkout that fails in the cart, 2: a slow search, 3: a lone consumer whose parent is unknown."""
    span_store.add(
        new_span(1, 1, name="POST /checkout", service="frontend", kind="SERVER", duration_ms=50),
        new_span(
            1,
            2,
            1,
            name="GET /cart",
            service="cart",
            kind="SERVER",
            start_ms=5,
            status="ERROR",
            attributes={"http.status_code": 503, "user.tier": "gold", "100%_sure": "a_b%c", "weight": 2.75},
            resource={"host.name": "node-1", "rack": 7},
        ),
        new_span(2, 3, name="GET /search two words", service="frontend", kind="SERVER", start_ms=1000, duration_ms=900),
        new_span(3, 4, 99, name="consume", service="mail", kind="CONSUMER", start_ms=2000, duration_ms=5),
    )


@pytest.mark.usefixtures("three_traces")
async def test_newest_traces_come_first_with_their_summary(api: Any) -> None:
    response = await api.get("/api/v1/traces", params=RANGE)
    body = await response.json()
    assert [int(trace["trace_id"], 16) for trace in body["traces"]] == [3, 2, 1]
    assert body["traces"][2] == {
        "trace_id": f"{1:032x}",
        "root_service_name": "frontend",
        "root_name": "POST /checkout",
        "start_time": "2026-11-22T23:00:00.000000000Z",
        "duration_ns": 50_000_000,
        "root_duration_ns": 50_000_000,
        "span_count": 2,
        "error_count": 1,
        "services": [{"service_name": "cart", "span_count": 1}, {"service_name": "frontend", "span_count": 1}],
        "is_complete": True,
    }
    assert (body["traces"][0]["root_name"], body["traces"][0]["is_complete"]) == (None, False)
    assert (body["truncated"], body["from"]) == (False, "2026-11-22T22:59:00.000000000Z")
    assert (body["data_from"], body["data_to"]) == ("2026-11-22T23:00:00.000000000Z", "2026-11-22T23:00:02.000000001Z")


@pytest.mark.usefixtures("three_traces")
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"service": "cart"}, [1]),
        ({"service": "frontend"}, [2, 1]),
        ({"service": "frontend", "operation": "GET /cart"}, []),
        ({"status": "error"}, [1]),
        ({"status": "ok"}, [3, 2]),
        ({"service": "frontend", "status": "error"}, []),
        ({"min_duration": "60ms"}, [2]),
        ({"max_duration": "5ms"}, [3]),
        ({"min_duration": "10ms", "max_duration": "1s"}, [2, 1]),
        ({"order": "slowest"}, [2, 1, 3]),
        ({"order": "errors"}, [1, 3, 2]),
        ({"order": "spans"}, [1, 3, 2]),
        ({"limit": "1"}, [3]),
        ({"q": "checkout"}, [1]),
        ({"q": "CHECKOUT"}, [1]),
        ({"q": '"two words"'}, [2]),
        ({"q": '"words two"'}, []),
        ({"q": "GET cart"}, [1]),
        ({"q": "service:cart status:error"}, [1]),
        ({"q": "service:frontend status:error"}, []),
        ({"q": "service=frontend duration:>100ms"}, [2]),
        ({"q": "duration:<100ms duration:>=50ms"}, [1]),
        ({"q": "kind:consumer"}, [3]),
        ({"q": "http.response.status_code:503"}, [1]),
        ({"q": "http.status_code:503"}, [1]),
        ({"q": "http_response_status_code:>=500"}, [1]),
        ({"q": "http.status_code:abc"}, []),
        ({"q": "user.tier:gold"}, [1]),
        ({"q": "user.tier:g*d"}, [1]),
        ({"q": "user.tier:g"}, []),
        ({"q": "host.name:node-1 user.tier=gold"}, [1]),
        ({"q": "resource.host.name:node-1"}, [1]),
        ({"q": "resource.rack:>6"}, [1]),
        ({"q": "rack:7"}, []),
        ({"q": "weight:>2.5"}, [1]),
        ({"q": "weight:<2.5"}, []),
        ({"q": "100%_sure:a_b%c"}, [1]),
        ({"q": "100%_sure:a_b%*"}, [1]),
        ({"q": "100%_sure:aXb%*"}, []),
        ({"q": "%"}, []),
        ({"q": "_"}, []),
        ({"q": "*"}, [3, 2, 1]),
        ({"q": "name:'; drop table spans; --"}, []),
        ({"q": "name:GET*"}, [2, 1]),
        ({"q": f"trace_id:{3:032X}"}, [3]),
        ({"q": "   "}, [3, 2, 1]),
        ({"from": "2026-11-22T23:00:01Z"}, [3, 2]),
        ({"to": "2026-11-22T23:00:01Z"}, [1]),
        ({"from": "0", "to": "1795388402000"}, [2, 1]),
        ({"from": "2026-11-22T23:00:00.005Z"}, [3, 2]),
    ],
)
async def test_search_finds(api: Any, parameters: dict[str, str], expected: list[int]) -> None:
    assert await found(api, **parameters) == expected


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "ten"},
        {"order": "best"},
        {"status": "bad"},
        {"min_duration": "200"},
        {"min_duration": "-2ms"},
        {"from": "yesterday"},
        {"from": "2026-13-01T00:00:00Z"},
        {"from": "2", "to": "1"},
        {"q": '"never closed'},
        {"q": "status:maybe"},
        {"q": "duration:>soon"},
        {"q": "retries:>many"},
        {"q": "a b " * 40},
        {"q": "x" * 3000},
        {"q": "a:\0"},
        {"q": "a\0"},
    ],
)
async def test_a_wrong_parameter_is_a_400_that_says_what_to_write(api: Any, parameters: dict[str, str]) -> None:
    response = await api.get("/api/v1/traces", params=parameters)
    body = await response.json()
    assert response.status == 400
    assert body["error"]["code"] == "bad_request"
    assert body["error"]["message"]
    assert body["error"]["hint"]


async def test_newest_traces_are_found_however_long_ago_they_were(
    api: Any, span_store: Any, new_span: Any, sealed: Any
) -> None:
    days_ms = 86_400_000
    span_store.add(*(new_span(trace, trace, start_ms=-trace * 3 * days_ms) for trace in range(1, 8)))
    sealed()
    span_store.add(new_span(20, 20))
    assert await found(api, **{"from": "0", "limit": "5"}) == [20, 1, 2, 3, 4]
    assert await found(api, **{"from": "0", "limit": "5", "q": "work"}) == [20, 1, 2, 3, 4]
    assert await found(api, **{"from": "0", "service": "shop", "q": "work"}) == [20, *range(1, 8)]


async def test_a_trace_that_began_before_the_range_is_not_in_it(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(new_span(1, 1, start_ms=-60_500, duration_ms=1000), new_span(1, 2, 1, start_ms=-59_600))
    assert await found(api) == []


async def test_more_traces_than_the_limit_are_announced(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(*(new_span(trace, trace) for trace in range(1, 4)))
    for limit, truncated in (("2", True), ("3", False)):
        response = await api.get("/api/v1/traces", params={**RANGE, "limit": limit})
        assert (await response.json())["truncated"] is truncated


@pytest.mark.usefixtures("three_traces")
@pytest.mark.parametrize(
    "written",
    [
        f"{1:032x}",
        "00000000-0000-0000-0000-000000000001",
        f"00-{1:032x}-{2:016x}-01",
        f"00-{1:032X}-{2:016X}-01",
        f"{1:016x}",
    ],
)
async def test_a_trace_opens_by_any_way_its_id_is_written(api: Any, written: str) -> None:
    response = await api.get(f"/api/v1/traces/{written}/waterfall")
    body = await response.json()
    assert response.status == 200
    assert (body["trace_id"], body["n"]) == (f"{1:032x}", 2)


@pytest.mark.usefixtures("three_traces")
async def test_a_waterfall_is_compressed_and_cached_by_its_tag(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(*(new_span(1, span, 1) for span in range(10, 40)))
    path = f"/api/v1/traces/{1:032x}/waterfall"
    first = await api.get(path, headers={"Accept-Encoding": "gzip"}, auto_decompress=False)
    assert first.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(await first.read()))["n"] == 32
    tag = first.headers["ETag"]
    assert (await api.get(path, headers={"If-None-Match": tag})).status == 304
    span_store.add(new_span(1, 50, 1, name="late"))
    again = await api.get(path, headers={"If-None-Match": tag})
    assert (again.status, (await again.json())["n"]) == (200, 33)


@pytest.mark.parametrize("path", ["waterfall", "spans/00000000000000aa"])
async def test_an_unknown_trace_is_a_404(api: Any, path: str) -> None:
    response = await api.get(f"/api/v1/traces/{77:032x}/{path}")
    assert response.status == 404
    assert (await response.json())["error"]["code"] in ("trace_not_found", "span_not_found")


@pytest.mark.parametrize("path", ["xyz/waterfall", f"{1:032x}/spans/nope", "1/waterfall", "%00/waterfall"])
async def test_what_is_no_id_is_a_400(api: Any, path: str) -> None:
    response = await api.get(f"/api/v1/traces/{path}")
    assert response.status == 400


@pytest.mark.parametrize("path", ["/api/v1/nonsense", "/api/", "/api/v1/traces/", "/api/v1/services/x"])
async def test_an_unknown_route_is_a_json_404(api: Any, path: str) -> None:
    response = await api.get(path)
    assert (response.status, (await response.json())["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/api/v1/traces", f"/api/v1/traces/{1:032x}/waterfall", "/api/v1/live"])
async def test_a_wrong_method_is_a_json_405(api: Any, path: str) -> None:
    response = await api.post(path)
    assert (response.status, (await response.json())["error"]["code"]) == (405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]


async def test_a_span_is_answered_in_full(api: Any, span_store: Any, new_span: Any, new_log: Any) -> None:
    values = {"s": "text", "i": 2**62, "d": 0.5, "b": True, "y": b"\x00\xff", "a": [1, "x"], "k": {"in": 1}, "n": None}
    usual = [new_span(5, 500 + call, name="GET /cart", start_ms=-1000 - call, duration_ms=20) for call in range(4)]
    span_store.add(
        *usual,
        new_span(
            1,
            2,
            1,
            name="GET /cart",
            service="shop",
            kind="SERVER",
            status="ERROR",
            status_message="no",
            attributes=values,
            resource={"service.version": "1.2", "service.instance.id": "i-1"},
            events=[("exception", 1.5, {"exception.type": "E"})],
            links=[(7, 8)],
        ),
    )
    span_store.add_logs(new_log("first", trace=1, span=2, attributes={"n": 1}), new_log("other", trace=1, span=3))
    response = await api.get(f"/api/v1/traces/{1:032x}/spans/{2:016x}")
    span = await response.json()
    assert response.status == 200
    types = {entry["key"]: entry["type"] for entry in span["attributes"]}
    assert types == {
        "s": "string",
        "i": "int",
        "d": "double",
        "b": "bool",
        "y": "bytes",
        "a": "array",
        "k": "kvlist",
        "n": "empty",
    }
    assert {entry["key"]: entry["value"] for entry in span["attributes"]}["i"] == str(2**62)
    assert {"key": "service.version", "value": "1.2", "type": "string"} in span["resource"]
    assert (span["parent_span_id"], span["kind"], span["status_code"]) == (f"{1:016x}", "SERVER", "ERROR")
    assert (span["status_message"], span["service_version"], span["service_instance_id"]) == ("no", "1.2", "i-1")
    assert (span["start_time"], span["duration_ns"]) == ("2026-11-22T23:00:00.000000000Z", 10_000_000)
    assert span["events"] == [
        {
            "name": "exception",
            "time": "2026-11-22T23:00:00.001500000Z",
            "attributes": [{"key": "exception.type", "value": "E", "type": "string"}],
            "dropped_attributes_count": 0,
        }
    ]
    assert (span["links"][0]["trace_id"], span["links"][0]["span_id"]) == (f"{7:032x}", f"{8:016x}")
    assert [(log["body"], log["attributes"]) for log in span["logs"]] == [
        ("first", [{"key": "n", "value": "1", "type": "int"}])
    ]
    assert span["operation_stats"] == {
        "calls": 4,
        "p50_ms": pytest.approx(20, rel=0.045),
        "p95_ms": pytest.approx(20, rel=0.045),
        "histogram": [[pytest.approx(20, rel=0.091), 4]],
    }
