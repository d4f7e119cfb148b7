"""The service map, its table and its drawer, in a browser over a real collector."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser_tab import Tab
from real_processes import RunningCollector
from shop_telemetry import HOSTILE, Span, checkout, now_ms, send_spans

pytestmark = pytest.mark.browser


def open_map(tab: Tab, shop: RunningCollector, query: str = "?live=0") -> Page:
    page = tab.open(shop, f"/services{query}")
    page.wait_for_selector("#services-map[data-ready]")
    return page


def node(page: Page, name: str) -> str:
    return f'.qt-node[data-id="{name}"]'


def test_the_map_shows_services_and_what_only_their_callers_know(shop: RunningCollector, tab: Tab) -> None:
    page = open_map(tab, shop)
    ids = page.eval_on_selector_all(".qt-node", "nodes => nodes.map(node => node.dataset.id)")
    assert {"gateway", "payment", "inventory", "acquirer.example", "sqlite@inventory", HOSTILE} <= set(ids)
    inferred = page.eval_on_selector_all(".qt-node.inferred", "nodes => nodes.map(node => node.dataset.id)")
    assert set(inferred) == {"acquirer.example", "sqlite@inventory"}


def test_a_failing_service_is_marked_by_shape_and_words(shop: RunningCollector, tab: Tab) -> None:
    page = open_map(tab, shop)
    expect(page.locator(f"{node(page, 'payment')}.bad .qt-node-warning")).to_be_visible()
    expect(page.locator(f"{node(page, 'inventory')} .qt-node-warning")).to_be_hidden()
    assert "% errors" in (page.locator(node(page, "payment")).get_attribute("aria-label") or "")


def test_a_click_opens_the_drawer_and_escape_closes_it(shop: RunningCollector, tab: Tab) -> None:
    page = open_map(tab, shop)
    page.click(node(page, "payment"))
    drawer = page.get_by_role("complementary", name="Service details")
    expect(drawer.get_by_role("heading", name="payment")).to_be_visible()
    expect(drawer).to_contain_text("POST /payments/charge")
    expect(drawer).to_contain_text("Called by")
    for title in ("Failing examples", "Slowest examples"):
        expect(drawer.get_by_role("heading", name=title)).to_be_visible()
    expect(drawer.locator(".qt-drawer-charts figure")).to_have_count(3)
    assert "service=payment" in page.url
    expect(page.locator(f"{node(page, 'payment')}.selected")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    assert "service=" not in page.url


def test_the_drawer_leads_to_the_services_traces_and_logs(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/services?r=6h&service=payment")
    drawer = page.get_by_role("complementary", name="Service details")
    assert drawer.get_by_role("link", name="View logs").get_attribute("href") == "/logs?r=6h&service=payment"
    drawer.get_by_role("link", name="View traces").click()
    page.wait_for_url("**/traces?r=6h&service=payment")


def test_tab_and_enter_are_enough(shop: RunningCollector, tab: Tab) -> None:
    page = open_map(tab, shop)
    page.locator(".qt-node").first.focus()
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.dataset.id")
    page.keyboard.press("Enter")
    tab.wait_for_parameter("service", focused)


def test_the_pointer_on_a_service_dims_what_it_does_not_touch(shop: RunningCollector, tab: Tab) -> None:
    page = open_map(tab, shop)
    page.hover(node(page, "payment"))
    lit = page.eval_on_selector_all(".qt-node.on", "nodes => nodes.map(node => node.dataset.id)")
    assert set(lit) == {"gateway", "payment", "acquirer.example"}
    assert page.eval_on_selector(node(page, "inventory"), "node => Number(getComputedStyle(node).opacity)") < 0.5


def test_the_wheel_zooms_at_the_pointer_and_fit_shows_all_again(shop: RunningCollector, tab: Tab) -> None:
    page = open_map(tab, shop)
    before = page.locator(node(page, "payment")).bounding_box()
    assert before
    page.mouse.move(before["x"], before["y"])
    page.mouse.wheel(0, -400)
    after = page.locator(node(page, "payment")).bounding_box()
    assert after
    assert after["width"] > before["width"]
    assert abs(after["x"] - before["x"]) < 6
    page.get_by_role("button", name="Fit the map to the window").click()
    again = page.locator(node(page, "payment")).bounding_box()
    assert again
    assert abs(again["width"] - before["width"]) < 1


def test_focus_shows_a_service_and_its_neighbours(shop: RunningCollector, tab: Tab) -> None:
    page = open_map(tab, shop, "?live=0&focus=payment")
    ids = page.eval_on_selector_all(".qt-node", "nodes => nodes.map(node => node.dataset.id)")
    assert set(ids) == {"gateway", "payment", "acquirer.example"}
    assert page.get_by_role("textbox", name="Focus on a service").input_value() == "payment"
    hops = page.get_by_role("group", name="Calls away from the focus")
    hops.get_by_role("link", name="1", exact=True).click()
    tab.wait_for_parameter("hops", "1")
    expect(page.locator(".qt-node")).to_have_count(3)


def test_the_traces_of_a_search_have_a_map_of_their_own(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0&service=payment&status=error")
    page.get_by_role("link", name="Map of these").click()
    page.wait_for_selector(node(page, "payment"))
    expect(page.locator(node(page, HOSTILE.replace('"', '\\"')))).to_have_count(0)
    expect(page.locator("#services-count")).to_contain_text("traces that match")
    page.get_by_role("link", name="The map of all traces").click()
    expect(page.locator(node(page, HOSTILE.replace('"', '\\"')))).to_be_visible()


def test_only_what_fails_can_be_looked_at(shop: RunningCollector, tab: Tab) -> None:
    page = open_map(tab, shop)
    page.get_by_role("button", name="Failing only").click()
    expect(page.locator(node(page, "sqlite@inventory"))).to_have_count(0)
    expect(page.locator(node(page, "payment"))).to_be_visible()
    tab.wait_for_parameter("failing", "1")


def test_a_drag_over_a_chart_is_a_choice_of_time(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/services?live=0&service=payment")
    chart = page.locator(".qt-drawer-charts figure").first
    chart.wait_for()
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 40, steps=4)
    page.mouse.up()
    page.wait_for_url("**/services?*from=*")


def test_the_table_shows_the_same_and_a_row_opens_the_drawer(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/services?live=0&view=table")
    page.wait_for_selector('.ag-row[row-id="payment"]')
    expect(page.locator('.ag-row[row-id="payment"] [col-id="error_rate"]')).to_contain_text("▲")
    page.click('.ag-row[row-id="inventory"] [col-id="name"]')
    drawer = page.get_by_role("complementary", name="Service details")
    expect(drawer.get_by_role("heading", name="inventory")).to_be_visible()


def test_live_data_changes_numbers_in_place(empty: RunningCollector, tab: Tab) -> None:
    at = now_ms()
    send_spans(empty.client, list(checkout(1, at - 60_000)))
    page = open_map(tab, empty, "")
    page.get_by_role("button", name="Zoom in").click()
    view = page.get_attribute(".qt-map-view", "transform")
    page.eval_on_selector(node(page, "gateway"), "node => { node.marked = true; }")
    before = page.text_content(f"{node(page, 'gateway')} .qt-node-rate")
    send_spans(empty.client, [Span(2 + i, 1, None, "gateway", "GET /", "SERVER", at - 1000, 5) for i in range(400)])
    expect(page.locator(f"{node(page, 'gateway')} .qt-node-rate")).not_to_have_text(before or "")
    assert page.eval_on_selector(node(page, "gateway"), "node => node.marked === true")
    assert page.get_attribute(".qt-map-view", "transform") == view


def test_ten_thousand_services_are_a_focus_and_a_table_and_never_ten_thousand_elements(
    empty: RunningCollector, tab: Tab
) -> None:
    at = now_ms() - 60_000
    spans = [
        Span(1 + i, 1, None, f"service-{i:05}", "GET /", "SERVER", at, 5, is_error=i == 4321) for i in range(10_000)
    ]
    send_spans(empty.client, spans)
    page = tab.open(empty, "/services?live=0")
    expect(page.get_by_role("heading", name="10,000 services are too many for one map")).to_be_visible()
    expect(page.locator(f"{node(page, 'service-04321')}.focus")).to_be_visible()
    expect(page.locator(".qt-node")).to_have_count(1)
    page.get_by_role("link", name="All of them in a table").click()
    page.wait_for_selector('.ag-row[row-id="service-04321"]')
    assert page.evaluate("document.querySelectorAll('*').length") < 4000


def test_a_range_without_data_offers_the_one_that_has_it(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/services?from=1000000000000&to=1000000600000")
    page.get_by_role("link", name="Show the range that has data").click()
    page.wait_for_selector(node(page, "payment"))
