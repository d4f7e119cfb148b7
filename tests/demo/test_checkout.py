"""What a checkout looks like from the collector: one trace through everything, and a map of all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.demo.conftest import Shop

pytestmark = pytest.mark.slow

SERVICES = {"api-gateway", "auth", "user", "payment", "order", "inventory", "notification"}


def test_a_customers_checkout_is_one_complete_trace_through_seven_services(shop: Shop) -> None:
    ((trace_id, spans),) = shop.await_rows("""
        select trace_id, span_count from traces
        where root_name = 'POST /checkout' and is_complete and cardinality(services) = 7
        order by start_time limit 1""")
    assert spans >= 15
    waterfall = shop.get(f"/api/v1/traces/{trace_id}/waterfall")
    assert waterfall["complete"]
    assert set(waterfall["services"]) == SERVICES


def test_the_calls_of_a_checkout_follow_each_other_in_the_issues_order(shop: Shop) -> None:
    trace_id, status, order = shop.check_out(shop.sign_in(42))
    assert (status, order["state"]) == (201, "confirmed")
    chain = ["api-gateway", "auth", "user", "payment", "order", "inventory", "notification"]
    rows = shop.await_rows(
        f"""
        select service_name from spans
        where trace_id = '{trace_id}' and kind in ('SERVER', 'CONSUMER') and name not like 'GET /inventory/%'
        group by service_name order by min(start_time)""",
        len(chain),
    )
    assert [name for (name,) in rows] == chain


def test_the_email_is_handled_in_the_trace_of_the_order_that_caused_it(shop: Shop) -> None:
    trace_id, _, _ = shop.check_out(shop.sign_in(42))
    ((kind, parent, parent_kind, parent_service),) = shop.await_rows(f"""
        select child.kind, parent.name, parent.kind, parent.service_name
        from spans as child join spans as parent
            on parent.trace_id = child.trace_id and parent.span_id = child.parent_span_id
        where child.trace_id = '{trace_id}' and child.name = 'process emails'""")
    assert (kind, parent, parent_kind, parent_service) == ("CONSUMER", "create emails", "PRODUCER", "order")


def test_map_shows_services_their_databases_the_queue_and_the_provider(shop: Shop) -> None:
    shop.check_out(shop.sign_in(42))
    shop.await_rows("select 1 from spans where name = 'process emails'")
    nodes: dict[str, Any] = {node["id"]: node["kind"] for node in shop.get("/api/v1/graph")["nodes"]}
    assert {name for name, kind in nodes.items() if kind == "service"} == SERVICES
    assert {name for name, kind in nodes.items() if kind == "database"} == {f"sqlite@{name}" for name in SERVICES}
    assert {name for name, kind in nodes.items() if kind == "messaging"} == {"sqlite_queue/emails"}
    assert {name for name, kind in nodes.items() if kind == "external"} == {"acquirer.example"}


def test_three_instances_and_two_versions_share_the_work(shop: Shop) -> None:
    for _ in range(6):
        shop.ask("GET", "/inventory/item/123")
        shop.ask("GET", "/users/42")
    instances = (
        """select distinct service_instance_id from spans where service_name = 'inventory' and kind = 'SERVER'"""
    )
    assert sorted(shop.await_rows(instances, 3)) == [["inventory-1"], ["inventory-2"], ["inventory-3"]]
    versions = "select distinct service_version from spans where service_name = 'user'"
    assert sorted(shop.await_rows(versions, 2)) == [["1.8.0"], ["2.0.0"]]


def test_logs_carry_their_trace_and_their_fields(shop: Shop) -> None:
    trace_id, _, order = shop.check_out(shop.sign_in(42))
    ((body, severity, order_id, scope),) = shop.await_rows(f"""
        select body, severity_text, attributes['order.id'], scope_name from logs
        where trace_id = '{trace_id}' and service_name = 'order'""")
    assert (body, severity, order_id) == ("order placed", "INFO", order["order_id"])
    assert scope == "quacktrace_demo.services.order"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/users/42", None, 200),
        ("GET", "/users/4242", None, 404),
        ("GET", "/inventory/item/123", None, 200),
        ("GET", "/inventory/item/999", None, 404),
        ("GET", "/browse?page=1", None, 200),
        ("GET", "/search?q=duck", None, 200),
        ("POST", "/payments/charge", {"user_id": 42, "amount_cents": 100}, 201),
        ("POST", "/payments/charge", {"user_id": 42, "amount_cents": 100_000_000}, 402),
        (
            "POST",
            "/notifications/email",
            {"recipient": "a@b.c", "template": "message", "values": {"text": "hi"}},
            202,
        ),
        ("POST", "/notifications/email", {"recipient": "a@b.c"}, 400),
        ("POST", "/signin", {"user_id": 42, "password": "quark"}, 401),
        ("GET", "/orders", None, 401),
    ],
)
def test_the_gateway_answers(shop: Shop, method: str, path: str, body: Any, status: int) -> None:
    _, answered, _ = shop.ask(method, path, body)
    assert answered == status


def test_the_same_idempotency_key_places_one_order(shop: Shop) -> None:
    token = shop.sign_in(42)
    first, second = (
        shop.ask("POST", "/checkout", {"lines": [{"item_id": 1, "quantity": 1}]}, token=token, key="same")
        for _ in range(2)
    )
    assert first[2]["order_id"] == second[2]["order_id"]
