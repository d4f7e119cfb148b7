"""Each fault: what can be seen of it in the collector while it is on, and that it is gone when it is off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from .conftest import wait_until

if TYPE_CHECKING:
    from tests.demo.conftest import Shop

pytestmark = pytest.mark.slow


@contextmanager
def fault(shop: Shop, name: str) -> Iterator[None]:
    shop.switch(name, on=True)
    try:
        yield
    finally:
        shop.switch(name, on=False)


def among(traces: Sequence[str]) -> str:
    """A condition for the spans of these traces."""
    return f"trace_id in ({', '.join(repr(trace_id) for trace_id in traces)})"


def bought(shop: Shop, token: str) -> str:
    """The trace of a checkout that succeeds: an open circuit or a backlog may outlive its fault by some seconds."""
    succeeded: list[str] = []

    def is_bought() -> bool:
        trace_id, status, _ = shop.check_out(token)
        if status == 201:
            succeeded.append(trace_id)
        return bool(succeeded)

    wait_until(is_bought)
    return succeeded[0]


def test_n_plus_one(shop: Shop) -> None:
    query = "select 1 from spans where trace_id = '{}' and service_name = 'inventory' and kind = 'CLIENT'"
    with fault(shop, "n-plus-one"):
        trace_id, _, _ = shop.ask("GET", "/browse")
        assert len(shop.await_rows(query.format(trace_id), 51)) == 51
    trace_id, _, _ = shop.ask("GET", "/browse")
    assert len(shop.await_rows(query.format(trace_id))) == 1


def test_slow_query(shop: Shop) -> None:
    token = shop.sign_in(42)

    def time_in_database(tenant: str) -> float:
        trace_id, status, _ = shop.ask("GET", "/orders", tenant=tenant, token=token)
        assert status == 200
        rows = shop.await_rows(f"""
            select duration_ns / 1e6, db_query_text from spans
            where trace_id = '{trace_id}' and service_name = 'order' and db_system = 'sqlite'""")
        return float(rows[0][0])

    with fault(shop, "slow-query"):
        slow, other = time_in_database("globex"), time_in_database("acme")
    usual = time_in_database("globex")
    assert slow > 5 * usual
    assert slow > 5 * other


def test_instance_errors(shop: Shop) -> None:
    token = shop.sign_in(42)
    with fault(shop, "instance-errors"):
        answers = [shop.check_out(token) for _ in range(9)]
        failed = [trace_id for trace_id, status, _ in answers if status == 502]
        assert failed
        assert len(failed) < len(answers)
        rows = shop.await_rows(f"""
            select service_instance_id, events[1].attributes['exception.type'] from spans
            where trace_id = '{failed[0]}' and service_name = 'inventory' and status_code = 'ERROR'""")
        assert rows == [["inventory-2", "json.decoder.JSONDecodeError"]]
    assert {shop.check_out(token)[1] for _ in range(4)} == {201}


def test_lock_contention(shop: Shop) -> None:
    token = shop.sign_in(42)
    with fault(shop, "lock-contention"):
        shop.await_rows(
            "select 1 from spans where name = 'reconcile stock' and attributes['stock.is_one_transaction'] = 'true'"
        )
        traces = [shop.check_out(token)[0] for _ in range(3)]
        ((waited_ms,),) = shop.await_rows(f"""
            select max(duration_ns) / 1e6 from spans
            where {among(traces)} and service_name = 'inventory' and name = 'begin'
            having max(duration_ns) > 300e6""")
        assert waited_ms > 300


def test_retry_storm(shop: Shop) -> None:
    token = shop.sign_in(42)
    refused = """
        select 1 from spans
        where {} and name = 'POST /inventory/reservations' and http_response_status_code = 503"""
    with fault(shop, "retry-storm"):
        traces = [shop.check_out(token)[0] for _ in range(4)]
        assert shop.await_rows(refused.format(among(traces)), 3)
    trace_id = bought(shop, token)
    shop.await_rows(f"select 1 from spans where {among([trace_id])} and name = 'POST /checkout'")
    assert shop.rows(refused.format(among([trace_id]))) == []


def test_queue_backlog(shop: Shop) -> None:
    token = shop.sign_in(42)
    waited = (
        "select attributes['queue.waited_ms']::integer as waited_ms from spans where {} and name = 'process emails'"
    )
    with fault(shop, "queue-backlog"):
        traces = [shop.check_out(token)[0] for _ in range(4)]
        shop.await_rows(f"from ({waited.format(among(traces))}) where waited_ms > 2500")

    def is_quick_again() -> bool:
        ((waited_ms,),) = shop.await_rows(waited.format(among([bought(shop, token)])))
        return bool(waited_ms < 2500)

    wait_until(is_quick_again)


def test_bad_deploy(shop: Shop) -> None:
    # 60 % of the customers have a postcode; number 3 has none.
    with fault(shop, "bad-deploy"):
        answers = [shop.ask("GET", "/users/3") for _ in range(6)]
        failed = [trace_id for trace_id, status, _ in answers if status == 502]
        assert failed
        rows = shop.await_rows(f"""
            select service_version, events[1].attributes['exception.type'] from spans
            where trace_id = '{failed[0]}' and service_name = 'user' and status_code = 'ERROR'""")
        assert rows == [["2.0.0", "AttributeError"]]
    assert {shop.ask("GET", "/users/3")[1] for _ in range(4)} == {200}


def test_version_mismatch(shop: Shop) -> None:
    token = shop.sign_in(42)
    with fault(shop, "version-mismatch"):
        answers = [shop.check_out(token) for _ in range(6)]
        failed = [trace_id for trace_id, status, _ in answers if status == 500]
        assert failed
        rows = shop.await_rows(f"""
            select service_name, events[1].attributes['exception.type'] from spans
            where trace_id = '{failed[0]}' and status_code = 'ERROR'""")
        assert rows == [["api-gateway", "KeyError"]]
    assert {shop.check_out(token)[1] for _ in range(4)} == {201}


def test_slow_provider_opens_the_circuit(shop: Shop) -> None:
    bill = {"user_id": 42, "amount_cents": 100}
    with fault(shop, "slow-provider"):
        trace_id, _, _ = shop.ask("POST", "/payments/charge", bill)
        ((duration_ms,),) = shop.await_rows(f"""
            select max(duration_ns) / 1e6 from spans
            where trace_id = '{trace_id}' and server_address = 'acquirer.example' having count(*) > 0""")
        assert duration_ms > 1000
    # Its circuit may have opened meanwhile; it closes by itself.
    deadline = 60
    while shop.ask("POST", "/payments/charge", bill)[1] != 201:
        deadline -= 1
        assert deadline
