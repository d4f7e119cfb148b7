"""Finding traces: filters in the link, rows that are links, dots that open and select, and nothing found."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from browser_tab import Tab
from real_processes import RunningCollector
from shop_telemetry import HOSTILE, Span, send_spans, trace_hex

pytestmark = pytest.mark.browser


def rows(page: Page) -> list[str]:
    page.wait_for_selector("#traces-rows[data-ready=true] a.qt-trace-row")
    return page.locator("a.qt-trace-row").all_inner_texts()


def test_a_row_says_what_was_asked_and_opens_by_click(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0&service=payment")
    row = page.locator("a.qt-trace-row", has_text="POST /checkout").first
    expect(row).to_contain_text("gateway")
    expect(row).to_contain_text("payment")
    trace_id = row.get_attribute("data-trace-id")
    row.click()
    page.wait_for_url(f"**/trace/{trace_id}")
    page.wait_for_selector("#trace-page[data-ready=true]")


def test_a_row_opens_by_enter_and_in_a_tab_of_its_own(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0")
    row = page.locator("a.qt-trace-row").first
    with page.context.expect_page() as opened:
        row.click(button="middle")
    expect(opened.value.locator("#trace-page")).to_have_attribute("data-ready", "true")
    assert page.url.startswith(f"{shop.url}/traces")
    row.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/trace/*")


def test_filters_stand_in_the_link_and_the_link_sets_the_filters(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0")
    rows(page)
    page.get_by_text("Errors", exact=True).first.click()
    tab.wait_for_parameter("status", "error")
    expect(page.locator('a.qt-trace-row[data-error="false"]')).to_have_count(0)
    page.get_by_role("textbox", name="Service").click()
    page.get_by_role("option", name="payment").click()
    tab.wait_for_parameter("service", "payment")
    expect(page.locator("a.qt-trace-row", has_text="<img")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("textbox", name="Service")).to_have_value("payment")
    assert all("POST /checkout" in text for text in rows(page))


def test_the_shortest_duration_hides_what_is_faster(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0")
    page.get_by_role("textbox", name="Shortest duration").fill("100ms")
    tab.wait_for_parameter("min_duration", "100ms")
    expect(page.locator("a.qt-trace-row", has_text="<img")).to_have_count(0)
    assert rows(page)


def test_a_filter_nobody_understands_is_answered_in_the_collectors_words(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0&min_duration=quick")
    card = page.get_by_role("alert")
    expect(card).to_contain_text("This could not be loaded")
    expect(card).to_contain_text("min_duration")
    expect(card.get_by_role("button", name="Try again")).to_be_visible()


def test_slowest_first_is_what_it_says(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0&order=slowest")
    rows(page)
    widths = page.eval_on_selector_all(".qt-trace-bar i", "bars => bars.map(bar => parseFloat(bar.style.width))")
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == 100


def test_dragging_over_dots_looks_closer(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0")
    box = page.locator(".qt-scatter svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 15)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 90, steps=4)
    page.mouse.up()
    page.wait_for_url("**/traces?*from=*")
    query = parse_qs(urlsplit(page.url).query)
    assert int(query["from"][0]) < int(query["to"][0])
    assert query["min_duration"][0].endswith("us")


def test_a_dot_opens_its_trace(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0&status=error")
    page.locator(".qt-scatter-cross").first.hover(force=True)
    expect(page.locator(".qt-scatter [role=tooltip]")).to_be_visible()
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url("**/trace/*")


def test_a_range_without_data_offers_the_one_that_has(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?from=1000000&to=2000000")
    expect(page.get_by_role("heading", name="No traces in this time range")).to_be_visible()
    page.get_by_role("link", name="Show the range that has data").click()
    page.wait_for_url("**/traces?from=*")
    assert rows(page)


def test_telemetry_is_text_on_the_list(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0&q=drop")
    row = page.locator("a.qt-trace-row", has_text="drop table").first
    expect(row.locator("strong")).to_have_text(HOSTILE)
    expect(row.locator("img")).to_have_count(0)


def test_years_old_traces_are_found_and_dated(shop: RunningCollector, tab: Tab) -> None:
    start_ms = 1_543_334_626_873
    send_spans(shop.client, [Span(777_000, 1, None, "museum", "GET /dinosaur", "SERVER", start_ms, 5)])
    page = tab.open(shop, f"/traces?from={start_ms - 1000}&to={start_ms + 1000}")
    row = page.locator(f'a[data-trace-id="{trace_hex(777_000)}"]')
    expect(row.locator("time")).to_contain_text("2018-11-2")
