"""Services, operations and the graph over HTTP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

RANGE = {"from": "2026-11-22T22:59:00Z", "to": "2026-11-22T23:59:00Z"}


def close_to(value: float) -> Any:
    """Percentiles come from histograms."""
    return pytest.approx(value, rel=0.045)


async def answer(api: Any, path: str, **parameters: str) -> dict[str, Any]:
    response = await api.get(f"/api/v1/{path}", params={**RANGE, **parameters})
    body: dict[str, Any] = await response.json()
    assert response.status == 200, body
    return body


def edges_of(graph: dict[str, Any]) -> set[tuple[str, str, str, int, int]]:
    return {
        (edge["client_service"], edge["server_service"], edge["type"], edge["calls"], edge["errors"])
        for edge in graph["edges"]
    }


def nodes_of(graph: dict[str, Any]) -> dict[str, tuple[str, int, int]]:
    return {node["id"]: (node["kind"], node["calls"], node["errors"]) for node in graph["nodes"]}


async def test_services_count_entry_spans(api: Any, span_store: Any, new_span: Any) -> None:
    v2 = {"service.version": "2", "service.instance.id": "b"}
    span_store.add(
        new_span(1, 1, service="web", kind="SERVER", duration_ms=100),
        new_span(1, 2, 1, service="web", kind="CLIENT"),
        new_span(1, 3, 2, service="cart", kind="SERVER", duration_ms=30, status="ERROR", resource=v2),
        new_span(1, 4, 3, service="cart", status="ERROR"),
        new_span(2, 5, 99, service="cart", kind="CONSUMER", duration_ms=10, resource={"service.version": "1"}),
        new_span(2, 6, 99, service="lost", kind="INTERNAL"),
    )
    body = await answer(api, "services")
    web, cart, lost = sorted(
        body["services"], key=lambda service: ["web", "cart", "lost"].index(service["service_name"])
    )
    assert [service["service_name"] for service in body["services"]] == ["cart", "lost", "web"]
    assert (web["calls"], web["errors"], web["p50_ms"], web["error_rate"]) == (1, 0, close_to(100), 0.0)
    assert (cart["calls"], cart["errors"], cart["p50_ms"], cart["error_rate"]) == (2, 1, close_to(20), 0.5)
    assert (cart["versions"], cart["instances"]) == (["1", "2"], ["b"])
    assert (lost["calls"], lost["p50_ms"], lost["p99_ms"]) == (0, None, None)
    assert cart["last_seen"] == "2026-11-22T23:00:00.000000000Z"
    assert cart["calls_per_s"] == 2.0


async def test_ranges_widen_to_whole_minutes_and_say_so(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(new_span(1, 1, start_ms=500), new_span(2, 2, start_ms=59_500), new_span(3, 3, start_ms=60_500))
    narrow = {"from": "2026-11-22T23:00:10Z", "to": "2026-11-22T23:00:20Z"}
    for path, more in (("services", {}), ("graph", {}), ("operations", {"service": "shop"})):
        body = await answer(api, path, **narrow, **more)
        assert (body["from"], body["to"]) == ("2026-11-22T23:00:00.000000000Z", "2026-11-22T23:01:00.000000000Z")
    assert [service["calls"] for service in (await answer(api, "services", **narrow))["services"]] == [2]


async def test_late_parents_and_children_are_counted_where_they_belong(
    api: Any, span_store: Any, new_span: Any, sealed: Any
) -> None:
    span_store.add(new_span(1, 3, 2, service="cart", kind="SERVER"))
    sealed()
    span_store.add(new_span(1, 2, 1, service="web", kind="CLIENT", attributes={"server.address": "cart-host"}))
    assert edges_of(await answer(api, "graph")) == {("web", "cart", "call", 1, 0)}
    span_store.add(new_span(1, 1, service="web", kind="SERVER"))
    sealed()
    graph = await answer(api, "graph")
    assert edges_of(graph) == {("web", "cart", "call", 1, 0)}
    assert nodes_of(graph) == {"web": ("service", 1, 0), "cart": ("service", 1, 0)}
    (trace,) = (await answer(api, "traces"))["traces"]
    assert (trace["span_count"], trace["is_complete"]) == (3, True)


async def test_an_empty_store_answers_empty(api: Any) -> None:
    body = await answer(api, "services")
    assert (body["services"], body["data_from"], body["data_to"]) == ([], None, None)
    assert (await answer(api, "graph"))["nodes"] == []
    assert (await answer(api, "traces"))["traces"] == []
    assert (await answer(api, "logs"))["logs"] == []
    assert (await answer(api, "operations", service="none"))["operations"] == []


async def test_an_empty_range_says_where_data_is(api: Any, span_store: Any, new_span: Any, sealed: Any) -> None:
    span_store.add(new_span(1, 1))
    sealed()
    span_store.add(new_span(2, 2, start_ms=1000))
    body = await answer(api, "services", **{"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"})
    assert body["services"] == []
    assert (body["data_from"], body["data_to"]) == (
        "2026-11-22T23:00:00.000000000Z",
        "2026-11-22T23:00:01.000000001Z",
    )


async def test_operations_are_all_spans_of_the_service_by_name_and_kind(
    api: Any, span_store: Any, new_span: Any
) -> None:
    span_store.add(
        new_span(1, 1, name="GET /", kind="SERVER", duration_ms=30),
        new_span(1, 2, 1, name="query", kind="CLIENT", duration_ms=10, status="ERROR"),
        new_span(1, 3, 1, name="query", kind="CLIENT", duration_ms=20),
        new_span(1, 4, 1, name="query", kind="INTERNAL"),
        new_span(1, 5, 1, name="other", service="cart"),
    )
    body = await answer(api, "operations", service="shop")
    listed = [(one["operation"], one["kind"], one["calls"], one["errors"]) for one in body["operations"]]
    assert listed == [("query", "CLIENT", 2, 1), ("GET /", "SERVER", 1, 0), ("query", "INTERNAL", 1, 0)]
    assert body["operations"][0]["p50_ms"] == close_to(15)
    assert body["service"] == "shop"


async def test_operations_without_a_service_is_a_400(api: Any) -> None:
    response = await api.get("/api/v1/operations")
    assert (response.status, (await response.json())["error"]["code"]) == (400, "bad_request")


async def test_edges_lead_from_a_spans_parent_in_another_service(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(
        new_span(1, 1, service="web", kind="SERVER"),
        new_span(1, 2, 1, service="web", kind="CLIENT"),
        new_span(1, 3, 2, service="cart", kind="SERVER", status="ERROR", duration_ms=4),
        new_span(1, 4, 2, service="cart", kind="SERVER", duration_ms=6),
        new_span(1, 5, 4, service="web", kind="SERVER"),
    )
    graph = await answer(api, "graph")
    assert edges_of(graph) == {("web", "cart", "call", 2, 1), ("cart", "web", "call", 1, 0)}
    assert nodes_of(graph) == {"web": ("service", 2, 0), "cart": ("service", 2, 1)}
    (edge,) = [edge for edge in graph["edges"] if edge["server_service"] == "cart"]
    assert edge["p50_ms"] == close_to(5)


async def test_databases_queues_and_external_hosts_are_inferred(api: Any, span_store: Any, new_span: Any) -> None:
    database = {"db.system.name": "postgresql", "db.namespace": "orders", "server.address": "db-0"}
    span_store.add(
        new_span(1, 1, service="web", kind="CLIENT", attributes=database),
        new_span(1, 2, service="web", kind="CLIENT", attributes={"db.system": "sqlite"}, status="ERROR"),
        new_span(1, 3, service="cart", kind="CLIENT", attributes={"db.system": "sqlite"}),
        new_span(
            1,
            4,
            service="cart",
            kind="PRODUCER",
            attributes={
                "messaging.system": "kafka",
                "messaging.destination.name": "mails",
                "server.address": "broker",
            },
        ),
        new_span(1, 5, service="cart", kind="CLIENT", attributes={"server.address": "api.example.com"}),
        new_span(1, 6, service="cart", kind="CLIENT", attributes={"server.address": "answered"}),
        new_span(1, 7, 6, service="answered", kind="SERVER"),
        new_span(1, 8, service="cart", kind="CLIENT"),
    )
    graph = await answer(api, "graph")
    inferred = {name: node for name, node in nodes_of(graph).items() if node[0] != "service"}
    assert inferred == {
        "postgresql://db-0/orders": ("database", 1, 0),
        "sqlite@web": ("database", 1, 1),
        "sqlite@cart": ("database", 1, 0),
        "kafka://broker/mails": ("messaging", 1, 0),
        "api.example.com": ("external", 1, 0),
    }
    assert ("web", "sqlite@web", "database", 1, 1) in edges_of(graph)
    assert ("cart", "answered", "call", 1, 0) in edges_of(graph)


async def test_links_are_edges_of_their_own_type(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(
        new_span(1, 1, service="orders", kind="PRODUCER"),
        new_span(2, 2, service="mail", kind="CONSUMER", links=[(1, 1)]),
    )
    assert edges_of(await answer(api, "graph")) == {("orders", "mail", "link", 1, 0)}


async def test_hostile_names_are_only_text(api: Any, span_store: Any, new_span: Any) -> None:
    hostile = "<img src=x onerror=alert(1)>'; drop table spans; --"
    span_store.add(new_span(1, 1, service=hostile, name=hostile), new_span(1, 2, 1, service="b"))
    assert nodes_of(await answer(api, "graph")).keys() == {hostile, "b"}
    assert (await answer(api, "operations", service=hostile))["operations"][0]["operation"] == hostile


REAL_FILES = (
    "dsb_socialnetwork",
    "jaegerui_ridesharing",
    "nezha_onlineboutique_normal_minute",
    "nezha_trainticket_normal_minutes",
    "zipkin_smartthings_mobile_install",
    "zipkin_smartthings_oauth",
)


@pytest.mark.parametrize("is_sealed", [False, True], ids=["hot", "sealed"])
@pytest.mark.parametrize("name", REAL_FILES)
async def test_real_traces_read_back_as_they_were_written(
    api: Any, span_store: Any, sealed: Any, test_data: Path, name: str, is_sealed: bool
) -> None:
    facts = json.loads((test_data / "real_otlp" / "FACTS.json").read_text())[name]
    span_store.add_body((test_data / "real_otlp" / f"{name}.pb").read_bytes())
    if is_sealed:
        sealed()
    always = {"from": "0"}
    services = (await answer(api, "services", **always))["services"]
    assert {service["service_name"] for service in services} == set(facts["service_span_counts"])
    graph = await answer(api, "graph", **always)
    calls = [edge for edge in graph["edges"] if edge["type"] == "call"]
    assert {f"{edge['client_service']} -> {edge['server_service']}": edge["calls"] for edge in calls} == facts["edges"]
    found = (await answer(api, "traces", **always, limit="1000"))["traces"]
    assert len(found) == facts["traces"]
    assert sum(trace["span_count"] for trace in found) == facts["spans"]
    assert sum(trace["error_count"] for trace in found) == facts["error_status_spans"]
    per_service: dict[str, int] = {}
    for trace in found:
        for service in trace["services"]:
            per_service[service["service_name"]] = per_service.get(service["service_name"], 0) + service["span_count"]
    assert per_service == facts["service_span_counts"]
    largest = max(found, key=lambda trace: trace["span_count"])
    response = await api.get(f"/api/v1/traces/{largest['trace_id']}/waterfall")
    drawn = await response.json()
    assert (drawn["n"], drawn["complete"]) == (largest["span_count"], facts["orphans"] == 0)


async def test_namespaces_are_those_that_services_name(api: Any, span_store: Any, new_span: Any) -> None:
    span_store.add(
        new_span(1, 1, service="cart", resource={"service.namespace": "shop"}), new_span(2, 2, service="lone")
    )
    assert (await answer(api, "namespaces"))["namespaces"] == {"cart": "shop"}
