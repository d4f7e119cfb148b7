"""What the trace page asks besides the waterfall: events, a trace's graph, links the other way, what a search finds."""

from __future__ import annotations

from typing import Any

import pytest

TRACE = f"/api/v1/traces/{1:032x}"
DATABASE = {"db.system.name": "sqlite"}


@pytest.fixture
def linked_traces(span_store: Any, new_span: Any) -> None:
    """1: gateway calls cart, which asks its database twice; 2: a mail that links to the cart's span."""
    exception = [("exception", 1_500_000, {"exception.type": "E"})]
    span_store.add(
        new_span(1, 1, name="GET /", service="gateway", kind="SERVER", duration_ms=50),
        new_span(
            1, 2, 1, name="GET /cart", service="cart", kind="SERVER", start_ms=5, status="ERROR", events=exception
        ),
        new_span(1, 3, 2, name="select", service="cart", kind="CLIENT", start_ms=6, attributes=DATABASE),
        new_span(1, 4, 2, name="select", service="cart", kind="CLIENT", start_ms=8, attributes=DATABASE),
        new_span(1, 5, 99, name="lost", service="lonely", kind="INTERNAL", start_ms=9),
        new_span(2, 6, name="send mail", service="mail", kind="CONSUMER", start_ms=900, links=[(1, 2)]),
    )


async def answer(api: Any, path: str, **parameters: str) -> Any:
    response = await api.get(f"{TRACE}{path}", params=parameters)
    body = await response.json()
    assert response.status == 200, body
    return body


@pytest.mark.usefixtures("linked_traces")
async def test_events_come_by_time_with_their_attributes(api: Any) -> None:
    body = await answer(api, "/events")
    assert [(event["span_id"], event["name"]) for event in body["events"]] == [(f"{2:016x}", "exception")]
    assert body["events"][0]["attributes"] == [{"key": "exception.type", "value": "E", "type": "string"}]
    assert body["truncated"] is False


@pytest.mark.usefixtures("linked_traces")
async def test_the_graph_of_a_trace_has_its_calls_and_databases(api: Any) -> None:
    body = await answer(api, "/graph")
    assert {node["id"]: (node["kind"], node["calls"], node["errors"]) for node in body["nodes"]} == {
        "gateway": ("service", 1, 0),
        "cart": ("service", 1, 1),
        "lonely": ("service", 0, 0),
        "sqlite@cart": ("database", 2, 0),
    }
    assert [(edge["client_service"], edge["server_service"], edge["calls"]) for edge in body["edges"]] == [
        ("cart", "sqlite@cart", 2),
        ("gateway", "cart", 1),
    ]


@pytest.mark.usefixtures("linked_traces")
async def test_the_graph_of_a_search_is_that_of_the_traces_it_finds(api: Any) -> None:
    async def graph(**search: str) -> Any:
        response = await api.get("/api/v1/graph", params={"from": "0", **search})
        body = await response.json()
        assert response.status == 200, body
        return body

    found = await graph(q="select", max_duration="50ms")
    assert (found["traces"], found["truncated"]) == (1, False)
    of_trace = await answer(api, "/graph")
    assert sorted(found["nodes"], key=str) == sorted(of_trace["nodes"], key=str)
    assert found["edges"] == of_trace["edges"]
    assert [node["id"] for node in (await graph(service="mail"))["nodes"]] == ["mail"]
    assert (await graph(status="ok"))["traces"] == 1
    nothing = await graph(q="nobody exists")
    assert (nothing["traces"], nothing["nodes"], nothing["edges"]) == (0, [], [])


@pytest.mark.usefixtures("linked_traces")
async def test_links_are_found_the_other_way(api: Any) -> None:
    body = await answer(api, f"/spans/{2:016x}/linked_from")
    assert [(span["trace_id"], span["span_id"], span["name"]) for span in body["spans"]] == [
        (f"{2:032x}", f"{6:016x}", "send mail")
    ]
    assert (await answer(api, f"/spans/{1:016x}/linked_from"))["spans"] == []


@pytest.mark.usefixtures("linked_traces")
async def test_a_search_marks_spans_of_the_trace(api: Any) -> None:
    assert (await answer(api, "/matches", q="service = cart kind = server"))["span_ids"] == [f"{2:016x}"]
    assert sorted((await answer(api, "/matches", q="select"))["span_ids"]) == [f"{3:016x}", f"{4:016x}"]
    assert (await answer(api, "/matches"))["span_ids"] == []


@pytest.mark.usefixtures("linked_traces")
async def test_the_waterfall_names_the_parents_that_are_missing(api: Any) -> None:
    body = await answer(api, "/waterfall")
    assert [(body["sid"][16 * row : 16 * row + 16], parent) for row, parent in body["missing"]] == [
        (f"{5:016x}", f"{99:016x}")
    ]


@pytest.mark.parametrize("path", ["/graph", f"/spans/{1:016x}/linked_from"])
async def test_a_part_of_an_unknown_trace_is_404(api: Any, path: str) -> None:
    response = await api.get(f"{TRACE}{path}")
    assert (response.status, (await response.json())["error"]["code"]) == (404, "trace_not_found")
