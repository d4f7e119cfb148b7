"""What stands around a search: lists of spans, columns, facets, the heatmap, completion, downloads, saved searches."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

RANGE = {"from": "2026-11-22T22:59:00Z", "to": "2026-11-22T23:59:00Z"}


async def ask(api: Any, path: str, **parameters: str) -> dict[str, Any]:
    response = await api.get(f"/api/v1/{path}", params={**RANGE, **parameters})
    body: dict[str, Any] = await response.json()
    assert response.status == 200, body
    return body


@pytest.fixture
def checkouts(span_store: Any, new_span: Any, sealed: Any) -> None:
    """Checkouts of 50, 60 and 70 ms through a gateway and a cart, the last of which fails; the first two are sealed."""
    for trace in (1, 2, 3):
        start_ms = 60_000 * trace
        route = {"http.route": "/checkout", "user.tier": "=gold" if trace == 1 else "tin"}
        fails = {"status": "ERROR", "events": [("exception", start_ms, {"exception.type": "E"})]} if trace == 3 else {}
        root, call, cart, query = (10 * trace + number for number in range(4))
        span_store.add(
            new_span(
                trace,
                root,
                name="POST /",
                service="gateway",
                kind="SERVER",
                start_ms=start_ms,
                attributes=route,
                duration_ms=40 + 10 * trace,
            ),
            new_span(trace, call, root, name="POST", service="gateway", kind="CLIENT", start_ms=start_ms + 1),
            new_span(
                trace, cart, call, name="GET /cart", service="cart", kind="SERVER", start_ms=start_ms + 2, **fails
            ),
            new_span(trace, query, cart, name="select", service="cart", kind="CLIENT", start_ms=start_ms + 3),
        )
        if trace == 2:
            sealed()


@pytest.mark.usefixtures("checkouts")
async def test_spans_are_listed_by_scope(api: Any) -> None:
    async def listed(**parameters: str) -> list[int]:
        return [int(span["span_id"], 16) for span in (await ask(api, "spans", **parameters))["spans"]]

    assert await listed(scope="root") == [30, 20, 10]
    assert await listed(scope="entry") == [32, 30, 22, 20, 12, 10]
    assert len(await listed(scope="all")) == len(await listed()) == 12
    assert await listed(scope="entry", q="service = cart") == [32, 22, 12]
    assert await listed(scope="all", q="duration >= 60ms") == [30, 20]
    assert await listed(scope="root", order="slowest", limit="1") == [30]
    assert await listed(scope="all", status="error") == [32]
    assert await listed(scope="root", status="ok", max_duration="65ms") == [20, 10]
    first = (await ask(api, "spans", scope="entry", columns="http.route,service,none"))["spans"][1]
    assert first["values"] == ["/checkout", "gateway", None]
    assert (first["parent_span_id"], first["kind"], first["duration_ns"]) == (None, "SERVER", 70_000_000)


@pytest.mark.usefixtures("checkouts")
async def test_a_trace_has_the_columns_value_of_its_earliest_span(api: Any) -> None:
    body = await ask(api, "traces", columns="exception.type,user.tier,name", limit="2")
    assert body["columns"] == ["exception.type", "user.tier", "name"]
    assert [trace["values"] for trace in body["traces"]] == [["E", "tin", "POST /"], [None, "tin", "POST /"]]
    assert body["truncated"] is True


@pytest.mark.usefixtures("checkouts")
async def test_facets_count_what_was_found(api: Any) -> None:
    async def counts(key: str, **parameters: str) -> dict[str, int]:
        body = await ask(api, "facets", **parameters)
        values = next(facet["values"] for facet in body["facets"] if facet["key"] == key)
        return {value["value"]: value["count"] for value in values}

    assert await counts("service") == {"gateway": 3, "cart": 3}
    assert await counts("status") == {"UNSET": 3, "ERROR": 1}
    assert await counts("exception.type") == {"E": 1}
    assert await counts("service", q="http.route exists") == {"gateway": 3}
    assert await counts("service", min_duration="55ms") == {"gateway": 2, "cart": 2}
    assert await counts("service", scope="all") == {"gateway": 6, "cart": 6}
    assert await counts("kind", scope="entry") == {"SERVER": 6}
    assert await counts("user.tier", keys="user.tier") == {"tin": 2, "=gold": 1}


@pytest.mark.usefixtures("checkouts")
async def test_the_heatmap_counts_everything_once(api: Any) -> None:
    traces = await ask(api, "heatmap")
    assert (traces["total"], sum(map(sum, traces["counts"])), sum(map(sum, traces["errors"]))) == (3, 3, 1)
    assert len(traces["bounds_ns"]) == len(traces["counts"]) + 1
    assert traces["bounds_ns"][0] <= 50_000_000 <= 70_000_000 < traces["bounds_ns"][-1]
    assert len(traces["times"]) == len(traces["counts"][0])
    assert (await ask(api, "heatmap", scope="entry"))["total"] == 6
    assert (await ask(api, "heatmap", q="service = none"))["total"] == 0


@pytest.mark.usefixtures("checkouts")
async def test_keys_and_values_are_completed(api: Any) -> None:
    keys = [one["key"] for one in (await ask(api, "completions", prefix="ser"))["keys"]]
    assert keys[0] == "service"
    assert "resource.service.name" in keys
    assert "user.tier" in [one["key"] for one in (await ask(api, "completions", prefix="tier"))["keys"]]
    assert (await ask(api, "completions", key="user.tier"))["values"] == [
        {"value": "tin", "spans": 2},
        {"value": "=gold", "spans": 1},
    ]
    assert (await ask(api, "completions", key="kind", prefix="cl"))["values"] == [{"value": "client", "spans": None}]
    assert (await ask(api, "completions", key="'; drop table spans; --", prefix="%_\\"))["values"] == []


@pytest.mark.usefixtures("checkouts")
async def test_the_filter_that_leaves_nothing_is_named(api: Any) -> None:
    body = await ask(api, "no_match", q="service = cart and (x = 1 or x = 2)", status="error")
    assert [(one["filter"], one["rest"], one["finds_without"]) for one in body["filters"]] == [
        ("service = cart", "(x = 1 or x = 2)", False),
        ("(x = 1 or x = 2)", "service = cart", True),
        ("status error", "", False),
    ]


@pytest.mark.usefixtures("checkouts")
async def test_a_list_downloads_as_csv_and_as_otlp(api: Any) -> None:
    response = await api.get("/api/v1/download", params={**RANGE, "columns": "user.tier", "q": "user.tier exists"})
    assert response.headers["Content-Disposition"] == 'attachment; filename="traces.csv"'
    lines = list(csv.DictReader(io.StringIO(await response.text())))
    assert [line["user.tier"] for line in lines] == ["tin", "tin", "'=gold"]
    response = await api.get("/api/v1/download", params={**RANGE, "format": "otlp", "scope": "root", "limit": "2"})
    spans = [
        span["spanId"]
        for resource in json.loads(await response.read())["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    assert len(spans) == 8


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("spans", {"scope": "some"}),
        ("spans", {"order": "errors"}),
        ("spans", {"q": "duration > soon"}),
        ("facets", {"keys": ",".join(f"k{number}" for number in range(20))}),
        ("download", {"format": "pdf"}),
        ("heatmap", {"q": "("}),
    ],
)
async def test_a_wrong_parameter_is_a_400(api: Any, path: str, parameters: dict[str, str]) -> None:
    response = await api.get(f"/api/v1/{path}", params={**RANGE, **parameters})
    assert response.status == 400
    assert (await response.json())["error"]["hint"]


async def test_the_position_of_a_mistake_is_told(api: Any) -> None:
    response = await api.get("/api/v1/traces", params={"q": "service = cart and status = bad"})
    assert (await response.json())["error"] == {
        "code": "bad_request",
        "message": "bad is no status",
        "hint": "status = one of unset, ok, error",
        "position": 28,
    }


async def test_searches_are_saved_changed_and_deleted(api: Any) -> None:
    saved = await (await api.post("/api/v1/searches", json={"title": " My  <b>one</b> ", "query": "?q=a"})).json()
    assert (saved["title"], saved["query"]) == ("My <b>one</b>", "q=a")
    await api.put(f"/api/v1/searches/{saved['id']}", json={"title": "other", "query": "q=b"})
    body = await (await api.get("/api/v1/searches")).json()
    assert [(one["title"], one["query"]) for one in body["searches"]] == [("other", "q=b")]
    for wrong in ({"title": "x"}, {"title": "", "query": "q"}, [1], {"title": "x", "query": "y" * 20_000}):
        assert (await api.post("/api/v1/searches", json=wrong)).status == 400
    assert (await api.delete(f"/api/v1/searches/{saved['id']}")).status == 200
    assert (await api.delete(f"/api/v1/searches/{saved['id']}")).status == 404
