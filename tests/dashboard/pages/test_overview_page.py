"""The first page in a browser over a real collector."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser_tab import Tab
from real_processes import RunningCollector

pytestmark = pytest.mark.browser


def test_the_first_page_says_what_is_wrong_and_leads_to_its_traces(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/?live=0")
    problems = page.locator(".qt-problems a")
    expect(problems.first).to_contain_text("of calls fail, none before")
    expect(problems.first).to_contain_text("payment")
    slow = page.locator(".qt-problems a", has_text="inventory").filter(has_text="GET /inventory/item")
    expect(slow).to_contain_text("p95 is")
    passed_on = page.locator(".qt-problems a.qt-passed-on", has_text="POST /checkout")
    expect(passed_on).to_contain_text("passed on")
    expect(page.get_by_role("link", name="What changed")).to_have_attribute("href", "/hotspots")
    expect(page.locator("#overview-origin")).to_contain_text("inventory")
    # From the first page over the failing service and a failing trace to the exception in three clicks.
    problems.first.click()
    page.wait_for_url("**/traces?*service=payment*")
    assert "status=error" in page.url
    page.locator("a.qt-trace-row").first.click()
    page.wait_for_url("**/trace/*")
    page.get_by_role("row").filter(has_text="✕").last.click()
    expect(page.locator(".qt-panel")).to_contain_text("AcquirerError")


def test_tiles_and_rows_show_the_numbers_of_the_range(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/?live=0")
    expect(page.locator("a.qt-tile", has_text="Errors").locator("b")).to_contain_text("%")
    expect(page.locator("a.qt-tile", has_text="p95 latency").locator("b")).to_contain_text("ms")
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="payment", exact=True))
    expect(row.locator('[data-column="error_rate"]')).to_contain_text("▲")
    expect(row.locator(".qt-spark-error rect").first).to_be_attached()
    by_calls = page.get_by_role("columnheader", name="Calls")
    by_calls.get_by_role("button").click()
    expect(by_calls).to_have_attribute("aria-sort", "descending")
    row.locator('[data-column="p95_ms"]').click()
    page.wait_for_url("**/services?service=payment")


def test_the_latest_errors_lead_to_the_span_where_they_began(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/?live=0")
    page.locator(".qt-error-groups a", has_text="AcquirerError").click()
    page.wait_for_url("**/trace/*?span=*")


def test_the_ingest_tile_counts_what_is_stored(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/?live=0")
    expect(page.locator("#overview-ingest")).to_contain_text("spans stored")
    expect(page.locator("#overview-ingest")).to_contain_text("Nothing refused")
    facts = page.locator("#overview-ingest-facts")
    for label in ("Received", "Duplicate", "Rejected", "Queue", "Commit", "Sealing", "Segments", "On disk"):
        expect(facts.locator("dt").get_by_text(label, exact=True)).to_be_visible()
    stored = shop.client.get("/readyz").json()["spans"]
    expect(facts.locator("div", has_text="Stored").locator("dd")).to_have_text(f"{stored:,}")


def test_endpoints_that_fail_and_that_are_slow_lead_to_their_traces(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/?live=0")
    page.locator("#overview-map .qt-node[data-id=payment]").wait_for()
    # From the first page over a slow endpoint and its slowest trace to what that waited for in three clicks.
    expect(page.locator("#overview-slowest li").first).to_contain_text("p50")
    page.locator("#overview-slowest a").first.click()
    page.wait_for_url("**/traces?*order=slowest*")
    page.locator("a.qt-trace-row").first.click()
    page.wait_for_url("**/trace/*")
    page.get_by_role("button", name="Critical path").click()
    expect(page.get_by_role("treegrid").get_by_role("row").last).to_contain_text("select items")
    page.goto(f"{shop.url}/?live=0")
    page.locator("#overview-failing a", has_text="POST /payments/charge").click()
    page.wait_for_url("**/traces?*status=error*")
    assert "service=payment" in page.url


def test_an_empty_store_shows_how_to_begin_and_demo_traffic_is_a_click(empty: RunningCollector, tab: Tab) -> None:
    page = tab.open(empty, "/")
    expect(page.get_by_text(f"quacktrace run --endpoint {empty.url} -- python app.py")).to_be_visible()
    for language in ("Node.js", "Java", "Go", ".NET", "Ruby", "PHP", "Rust"):
        page.get_by_role("tab", name=language, exact=True).click()
        expect(page.get_by_role("tabpanel")).to_contain_text(f"OTEL_EXPORTER_OTLP_ENDPOINT={empty.url}")
    page.evaluate("window.stayed = true")
    page.wait_for_selector("html[data-live=open]")
    page.get_by_role("button", name="Load demo traffic").click()
    expect(page.locator(".qt-problems a").first).to_contain_text("demo-payment")
    assert page.evaluate("window.stayed")
