"""Each fault as a person finds it: by clicking, from the first page to a span that explains it; gone when it is off."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from browser_tab import Tab

from .conftest import wait_until

if TYPE_CHECKING:
    from .conftest import Shop

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = "service_name = 'api-gateway' and kind = 'SERVER'"
"""What a trace of the shop begins with."""
RESERVED = "name = 'POST /inventory/reservations' and kind = 'SERVER'"
UNINDEXED = "not indexed"
"""How the slow query reads."""

Act = Callable[[], tuple[str, int, Any]]
"""A request to the shop: its trace id, status and answer."""


@contextmanager
def fault(shop: Shop, name: str) -> Iterator[None]:
    """Switch a fault on in a healthy shop, and leave the shop healthy."""
    shop.await_health()
    shop.switch(name, on=True)
    try:
        yield
    finally:
        shop.switch(name, on=False)
    shop.await_health()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def from_first_page(tab: Tab, shop: Shop, page_name: str) -> Page:
    """Open the dashboard as it opens by itself, and click the name of a page."""
    page = tab.page
    page.goto(shop.collector_url)
    expect(page.get_by_role("heading", name="What is wrong now")).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name=page_name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(page_name)
    return page


def see_fresh(tab: Tab, shop: Shop, path: str, since_ms: int, **parameters: str) -> Page:
    """Open a page on what began after the fault was over; the range ends in the future."""
    query = urlencode({"from": since_ms, "to": since_ms + 600_000, **parameters})
    tab.page.goto(f"{shop.collector_url}{path}?{query}")
    return tab.page


def wait_for(shop: Shop, traces: Sequence[str], condition: str, count: int = 1) -> list[str]:
    """Those of the traces that have a span like this, once there are `count`."""
    chosen = ", ".join(f"'{trace_id}'" for trace_id in traces)
    rows = shop.await_rows(
        f"select distinct trace_id from spans where trace_id in ({chosen}) and {condition}", count=count
    )
    return [str(row[0]) for row in rows]


def repeat(act: Act, status: int, count: int) -> list[str]:
    """Act until `count` answers had this status, and return the traces of those."""
    traces: list[str] = []

    def is_enough() -> bool:
        trace_id, answered, _ = act()
        traces.extend([trace_id] if answered == status else [])
        return len(traces) >= count

    wait_until(is_enough)
    return traces


def until(shop: Shop, act: Act, condition: str, *, settled: str = RESERVED, least: int = 1) -> str:
    """Act until a trace that has its `settled` span has at least so many like `condition`, and return it."""
    chosen: list[str] = []

    def is_enough() -> bool:
        trace_id, _, _ = act()
        wait_for(shop, [trace_id], ROOT)
        wait_for(shop, [trace_id], settled)
        rows = shop.rows(f"select count(*) from spans where trace_id = '{trace_id}' and {condition}")
        chosen.extend([trace_id] if rows[0][0] >= least else [])
        return bool(chosen)

    wait_until(is_enough)
    return chosen[0]


def newer_than(shop: Shop, trace_id: str) -> list[str]:
    """The traces that began when this one did, or later."""
    rows = shop.rows(
        f"select distinct trace_id from spans where start_time >= (select min(start_time) from spans where"
        f" trace_id = '{trace_id}')"
    )
    return [str(row[0]) for row in rows]


def is_new(shop: Shop, trace_id: str, ours: Sequence[str]) -> bool:
    """Whether it is one of our traces or began after the first of them: no trace of an earlier test."""
    return any(trace_id in newer_than(shop, own) for own in ours)


def open_listed(page: Page, trace_id: str) -> Page:
    """Click a trace in the list of traces."""
    page.locator(f'.qt-trace-row[data-trace-id="{trace_id}"]').click()
    return see_trace(page)


def see_trace(page: Page) -> Page:
    page.wait_for_selector("#trace-page[data-ready=true] .qt-wf[data-ready=true]")
    return page


def opened_trace(page: Page) -> str:
    found = re.search(r"/trace/([0-9a-f]{32})", page.url)
    assert found
    return found[1]


def findings(page: Page) -> Locator:
    return page.get_by_role("list", name="What stands out")


def panel(page: Page) -> Locator:
    details = page.locator(".qt-panel[data-ready=true]")
    expect(details).to_be_visible()
    return details


def error_group(page: Page, text: str) -> Locator:
    return page.locator(".qt-error-groups a", has_text=text)


def click_ranked(page: Page, service: str, operation: str) -> Page:
    """Click a row of the ranking and see its traces, the good ones too."""
    row = page.locator("#hotspots-grid .ag-row")
    for text in (service, operation):
        row = row.filter(has=page.get_by_text(text, exact=True))
    row.first.locator('[col-id="operation"]').click()
    page.wait_for_url("**/traces?*")
    expect(page.locator("#traces-rows .qt-trace-row[data-trace-id]").first).to_be_visible()
    page.locator("#traces-status").get_by_text("All", exact=True).click()
    return page


def test_slow_provider_is_found_on_the_map_and_in_a_span_to_the_provider(shop: Shop, tab: Tab) -> None:
    bill = {"user_id": 42, "amount_cents": 100}
    asked_long = "server_address = 'acquirer.example' and duration_ns > 1e9"
    with fault(shop, "slow-provider"):
        # While the circuit is open nobody is asked; it lets one through every five seconds.
        charged = "name = 'POST /payments/charge' and service_name = 'payment'"
        slow = until(shop, lambda: shop.ask("POST", "/payments/charge", bill), asked_long, settled=charged)
        page = from_first_page(tab, shop, "Services")
        page.locator('.qt-node[data-id="payment"]').click()
        drawer = page.get_by_role("complementary", name="Service details")
        provider = drawer.locator("tr", has_text="acquirer.example")
        expect(provider.locator("td").last).to_have_text(re.compile(r"^\d[\d.]* s$"))
        drawer.get_by_role("link", name="View traces").click()
        open_listed(page, slow)
        page.get_by_role("row").filter(has_text=re.compile(r"payment\s*POST(?! /)")).first.click()
        expect(panel(page)).to_contain_text("acquirer.example")
    since_ms = now_ms()
    good = shop.ask("POST", "/payments/charge", bill)[0]
    wait_for(shop, [good], "service_name = 'payment' and kind = 'SERVER'")
    page = see_fresh(tab, shop, "/traces", since_ms, service="payment")
    expect(page.locator(f'.qt-trace-row[data-trace-id="{good}"]')).to_be_visible()
    see_fresh(tab, shop, "/traces", since_ms, service="payment", min_duration="1400ms")
    expect(page.get_by_text("No traces match these filters")).to_be_visible()


def test_n_plus_one_is_said_at_the_top_of_the_trace(shop: Shop, tab: Tab) -> None:
    with fault(shop, "n-plus-one"):
        trace_id = shop.ask("GET", "/browse")[0]
        wait_for(shop, [trace_id], ROOT)
        page = open_listed(from_first_page(tab, shop, "Traces"), trace_id)
        expect(findings(page)).to_contain_text(
            "inventory asks select on_hand from stock where item_id = ? 50 times one after another"
        )
        expect(page.get_by_role("row").filter(has_text="select on_hand from stock").first).to_be_visible()
    since_ms = now_ms()
    trace_id = shop.ask("GET", "/browse")[0]
    wait_for(shop, [trace_id], "name = 'GET /inventory/items' and kind = 'SERVER'")
    page = open_listed(see_fresh(tab, shop, "/traces", since_ms), trace_id)
    expect(findings(page)).to_have_count(0)


def test_instance_errors_are_known_to_come_from_one_of_three_instances(shop: Shop, tab: Tab) -> None:
    token = shop.sign_in(42)

    def buy() -> tuple[str, int, Any]:
        return shop.check_out(token)

    with fault(shop, "instance-errors"):
        failed = repeat(buy, 502, 5)
        wait_for(shop, failed, ROOT, 5)
        page = from_first_page(tab, shop, "Hotspots")
        group = error_group(page, "JSONDecodeError")
        expect(group).to_contain_text("inventory")
        expect(group).to_contain_text("only instance inventory-2 of 3")
        group.click()
        see_trace(page)
        expect(panel(page).get_by_title("Service instance")).to_have_text("inventory-2")
        assert is_new(shop, opened_trace(page), failed)
    since_ms = now_ms()
    traces = [buy()[0] for _ in range(4)]
    wait_for(shop, traces, RESERVED, 4)
    page = see_fresh(tab, shop, "/hotspots", since_ms)
    expect(page.get_by_text("Error groups")).to_be_visible()
    expect(error_group(page, "JSONDecodeError")).to_have_count(0)


def test_slow_query_leads_from_the_ranking_to_the_query_and_its_tenant(shop: Shop, tab: Tab) -> None:
    token = shop.sign_in(42)
    served = "service_name = 'order' and name = 'GET /orders'"

    def report() -> str:
        return shop.ask("GET", "/orders", tenant="globex", token=token)[0]

    with fault(shop, "slow-query"):
        trace_id = report()
        wait_for(shop, [trace_id], served)
        page = from_first_page(tab, shop, "Hotspots")
        open_listed(click_ranked(page, "order", "GET /orders"), trace_id)
        expect(page.locator(".qt-shares-legend button").first).to_contain_text("order")
        page.get_by_role("row").filter(has_text="api-gateway").first.click()
        expect(panel(page).locator("div", has_text="tenant.id").last).to_contain_text("globex")
        page.get_by_role("row").filter(has_text="orders").filter(has_text="select").first.click()
        expect(panel(page)).to_contain_text(UNINDEXED)
    since_ms = now_ms()
    trace_id = report()
    wait_for(shop, [trace_id], served)
    page = see_fresh(tab, shop, "/traces", since_ms, service="order", operation="GET /orders")
    open_listed(page, trace_id)
    page.get_by_role("row").filter(has_text="orders").filter(has_text="select").first.click()
    expect(panel(page)).not_to_contain_text(UNINDEXED)


def test_queue_backlog_is_warned_of_in_the_logs_and_seen_as_a_wait_in_the_trace(shop: Shop, tab: Tab) -> None:
    mail = {"recipient": "a@b.example", "template": "new-sign-in", "values": {"user_id": 42}}

    def write() -> str:
        return shop.ask("POST", "/notifications/email", mail)[0]

    with fault(shop, "queue-backlog"):
        traces = [write() for _ in range(13)]
        wait_for(shop, traces, "name = 'process emails' and attributes['queue.depth']::integer >= 10", 2)
        page = from_first_page(tab, shop, "Logs")
        page.locator("a.qt-log-line", has_text="messages wait in emails").first.click()
        see_trace(page)
        expect(panel(page)).to_contain_text("messages wait in emails")
        expect(findings(page)).to_contain_text(re.compile("process emails of notification waited .* s in the queue"))
        expect(page.get_by_role("row", selected=True)).to_contain_text("queued")
        assert opened_trace(page) in [*traces, *newer_than(shop, traces[0])]
    # The last of the backlog leaves before a new message does.
    wait_for(shop, [write()], "name = 'process emails'")
    since_ms = now_ms()
    trace_id = write()
    wait_for(shop, [trace_id], "name = 'process emails'")
    page = open_listed(see_fresh(tab, shop, "/traces", since_ms, service="notification"), trace_id)
    expect(page.get_by_role("row").filter(has_text="process emails")).to_be_visible()
    expect(findings(page)).to_have_count(0)


def test_bad_deploy_is_known_to_be_of_one_version(shop: Shop, tab: Tab) -> None:
    def look_up() -> tuple[str, int, Any]:
        # 60 % of the customers have a postcode; number 3 has none.
        return shop.ask("GET", "/users/3")

    with fault(shop, "bad-deploy"):
        failed = repeat(look_up, 502, 5)
        wait_for(shop, failed, ROOT, 5)
        page = from_first_page(tab, shop, "Hotspots")
        group = error_group(page, "AttributeError")
        expect(group).to_contain_text("only version 2.0.0 of 2")
        group.click()
        see_trace(page)
        expect(panel(page).get_by_title("Service version")).to_have_text("2.0.0")
        expect(panel(page)).to_contain_text("'NoneType' object has no attribute 'upper'")
        assert is_new(shop, opened_trace(page), failed)
    since_ms = now_ms()
    wait_for(shop, [look_up()[0] for _ in range(4)], "service_name = 'user' and kind = 'SERVER'", 4)
    page = see_fresh(tab, shop, "/hotspots", since_ms)
    expect(page.get_by_text("Error groups")).to_be_visible()
    expect(error_group(page, "AttributeError")).to_have_count(0)


def test_lock_contention_is_seen_as_a_wait_in_begin(shop: Shop, tab: Tab) -> None:
    token = shop.sign_in(42)
    waiting = "service_name = 'inventory' and name = 'begin' and duration_ns > 300e6"

    def buy() -> tuple[str, int, Any]:
        return shop.check_out(token)

    with fault(shop, "lock-contention"):
        shop.await_rows(
            "select 1 from spans where name = 'reconcile stock' and attributes['stock.is_one_transaction'] = 'true'"
        )
        slow = until(shop, buy, waiting)
        page = from_first_page(tab, shop, "Hotspots")
        open_listed(click_ranked(page, "inventory", "POST /inventory/reservations"), slow)
        page.get_by_role("searchbox", name="Find in this trace").fill("inventory begin")
        page.keyboard.press("Enter")
        begin = page.get_by_role("row", selected=True)
        expect(begin).to_contain_text("begin")
        begin.click()
        expect(panel(page).locator("dd").nth(1)).to_have_text(re.compile(r"\d s|[3-9]\d\d ms"))
    since: list[int] = []

    def is_over() -> bool:
        since.append(now_ms())
        trace_id, _, _ = buy()
        wait_for(shop, [trace_id], RESERVED)
        return not shop.rows(f"select 1 from spans where trace_id = '{trace_id}' and {waiting}")

    wait_until(is_over)
    page = see_fresh(tab, shop, "/traces", since[-1], q="service:inventory name:begin")
    expect(page.locator(".qt-trace-row[data-trace-id]").first).to_be_visible()
    see_fresh(tab, shop, "/traces", since[-1], q="service:inventory name:begin", min_duration="2500ms")
    expect(page.get_by_text("No traces match these filters")).to_be_visible()


def test_version_mismatch_is_a_missing_field_after_an_answer_of_the_new_version(shop: Shop, tab: Tab) -> None:
    token = shop.sign_in(42)

    def buy() -> tuple[str, int, Any]:
        return shop.check_out(token)

    with fault(shop, "version-mismatch"):
        failed = repeat(buy, 500, 2)
        wait_for(shop, failed, ROOT, 2)
        page = from_first_page(tab, shop, "Hotspots")
        group = error_group(page, "KeyError")
        expect(group).to_contain_text("'loyalty_tier'")
        expect(group).to_contain_text("api-gateway")
        group.click()
        see_trace(page)
        expect(panel(page)).to_contain_text("loyalty_tier")
        answered = page.get_by_role("row").filter(has_text="GET /users/{user_id}").last
        expect(answered).not_to_have_class(re.compile("is-error"))
        answered.click()
        expect(panel(page).get_by_role("heading", level=2)).to_have_text("GET /users/{user_id}")
        expect(panel(page).get_by_title("Service version")).to_have_text("2.0.0")
        assert is_new(shop, opened_trace(page), failed)
    since_ms = now_ms()
    wait_for(shop, [buy()[0] for _ in range(4)], ROOT, 4)
    page = see_fresh(tab, shop, "/hotspots", since_ms)
    expect(page.get_by_text("Error groups")).to_be_visible()
    expect(error_group(page, "KeyError")).to_have_count(0)


def test_retry_storm_is_said_at_the_top_of_the_trace(shop: Shop, tab: Tab) -> None:
    token = shop.sign_in(42)

    def buy() -> tuple[str, int, Any]:
        return shop.check_out(token)

    shed = "service_name = 'inventory' and http_response_status_code = 503"
    with fault(shop, "retry-storm"):
        stormy = until(shop, buy, shed, least=4)
        page = open_listed(from_first_page(tab, shop, "Traces"), stormy)
        expect(findings(page)).to_contain_text(
            re.compile(r"order asks inventory POST /inventory/reservations \d+ times one after another .* fail")
        )
    since_ms = now_ms()
    trace_id, _, _ = buy()
    wait_for(shop, [trace_id], "name = 'POST /orders' and kind = 'SERVER'")
    page = open_listed(see_fresh(tab, shop, "/traces", since_ms), trace_id)
    expect(findings(page)).to_have_count(0)
