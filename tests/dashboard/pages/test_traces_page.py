"""Finding traces: filters in the link, rows that are links, dots that open and select, and nothing found."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from browser_tab import Tab
from real_processes import RunningCollector
from shop_telemetry import HOSTILE, Span, now_ms, send_spans, trace_hex

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
    page.locator("#traces-status").get_by_text("Errors", exact=True).click()
    tab.wait_for_parameter("status", "error")
    expect(page.locator('a.qt-trace-row[data-error="false"]')).to_have_count(0)
    page.get_by_role("button", name="Only payment").click()
    tab.wait_for_parameter("q", "service = payment")
    expect(page.locator("a.qt-trace-row", has_text="<img")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("combobox", name="Search traces")).to_have_value("service = payment")
    assert all("POST /checkout" in text for text in rows(page))


def test_a_service_in_the_link_is_a_chip_that_can_be_removed(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0&service=payment&operation=POST")
    rows(page)
    page.get_by_role("button", name="Remove the service").click()
    page.wait_for_url(lambda url: "service=" not in url and "operation=" not in url)


def test_the_shortest_duration_hides_what_is_faster(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0")
    page.get_by_role("textbox", name="Shortest duration").fill("100ms")
    tab.wait_for_parameter("min_duration", "100ms")
    expect(page.locator("a.qt-trace-row", has_text="<img")).to_have_count(0)
    assert rows(page)


def test_a_field_keeps_what_is_typed_while_answers_arrive(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0")
    rows(page)
    field = page.get_by_role("textbox", name="Shortest duration")
    field.press_sequentially("1")
    for digit in "23":
        page.evaluate("qt.patchUrl({ status: 'error' }); qt.patchUrl({ status: null }); qt.refresh()")
        field.press_sequentially(digit)
    page.evaluate("qt.refresh()")
    field.press_sequentially("us")
    tab.wait_for_parameter("min_duration", "123us")
    expect(field).to_have_value("123us")
    assert field.evaluate("field => field.selectionStart") == 5


def test_the_search_completes_keys_and_values(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0")
    rows(page)
    page.keyboard.press("/")
    search = page.get_by_role("combobox", name="Search traces")
    expect(search).to_be_focused()
    page.keyboard.type("db.sys")
    expect(page.get_by_role("option", name="db.system.name")).to_be_visible()
    page.keyboard.press("Tab")
    expect(search).to_have_value("db.system.name ")
    page.keyboard.type("= ")
    page.get_by_role("option", name="sqlite").click()
    page.keyboard.press("Enter")
    tab.wait_for_parameter("q", "db.system.name = sqlite")
    expect(page.locator("a.qt-trace-row", has_text="<img")).to_have_count(0)
    assert rows(page)


def test_a_search_that_cannot_be_read_says_where_below_the_box(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0&q=(service+%3D+a")
    problem = page.locator(".qt-query").get_by_role("alert")
    expect(problem).to_contain_text("never closed")
    expect(page.get_by_role("combobox", name="Search traces")).to_have_attribute("aria-invalid", "true")


def test_a_facet_leaves_a_value_out_and_becomes_a_column(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0")
    rows(page)
    facet = page.get_by_role("region", name="exception")
    facet.hover()
    facet.get_by_role("button", name="Column exception.type").click()
    tab.wait_for_parameter("columns", "exception.type")
    expect(page.locator(".qt-trace-value", has_text="AcquirerError").first).to_be_visible()
    facet = page.get_by_role("region", name="service")
    facet.hover()
    facet.get_by_role("button", name="Leave out payment", exact=True).focus()
    page.keyboard.press("Enter")
    tab.wait_for_parameter("q", "service != payment")
    page.get_by_role("region", name="operation").get_by_role("button", name="Only POST /checkout").click()
    tab.wait_for_parameter("q", 'service != payment and name = "POST /checkout"')
    page.get_by_role("region", name="operation").get_by_role("button", name="Or POST,").click()
    tab.wait_for_parameter("q", 'service != payment and name in ("POST /checkout", POST)')
    page.get_by_role("region", name="operation").get_by_role("button", name="No longer POST /checkout").click()
    tab.wait_for_parameter("q", "service != payment and name = POST")


def test_spans_are_rows_that_open_their_trace_at_the_span(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0&q=service+%3D+payment")
    rows(page)
    page.get_by_role("button", name="Entry spans").click()
    tab.wait_for_parameter("scope", "entry")
    page.wait_for_selector('#traces-rows [aria-label="Spans"] a.qt-trace-row')
    expect(page.get_by_role("link", name="Show SQL")).to_have_attribute("data-panel", "spans")
    assert all("POST /payments/charge" in text for text in rows(page))
    page.locator("a.qt-trace-row").first.click()
    page.wait_for_url("**/trace/*span=*")


def test_the_heatmap_counts_everything_and_its_cells_are_a_filter(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0&chart=heatmap&r=6h")
    svg = page.locator(".qt-trace-heatmap svg")
    expect(svg.locator("rect").first).to_be_visible()
    expect(svg).to_have_attribute("aria-label", "178 by start and duration")
    box = svg.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.95, box["y"] + 150, steps=4)
    page.mouse.up()
    page.wait_for_url("**/traces?*from=*")
    assert parse_qs(urlsplit(page.url).query)["max_duration"]


def test_filters_that_leave_nothing_are_named(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0&q=service+%3D+payment+and+nowhere+%3D+1")
    expect(page.get_by_role("heading", name="No traces match these filters")).to_be_visible()
    page.get_by_role("link", name="Without nowhere = 1").click()
    tab.wait_for_parameter("q", "service = payment")
    assert rows(page)


def test_what_arrives_while_the_list_stands_still_is_counted(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0")
    rows(page)
    page.wait_for_selector("html[data-live=open]")
    send_spans(shop.client, [Span(888_000, 1, None, "late", "GET /late", "SERVER", now_ms(), 5)])
    page.get_by_role("button", name="1 new").click()
    expect(page.locator(f'a[data-trace-id="{trace_hex(888_000)}"]')).to_be_visible()


def test_an_id_pasted_in_any_form_opens_its_trace(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0")
    page.wait_for_selector("html[data-shell-ready]")
    trace_id = trace_hex(3)
    forms = (
        f"http://elsewhere.example:16686/trace/{trace_id}?uiFind=x",
        f"trace_id={trace_id.upper()}",
        "-".join((trace_id[:8], trace_id[8:12], trace_id[12:16], trace_id[16:20], trace_id[20:])),
        f"00-{trace_id}-00000000000000aa-01",
    )
    assert page.evaluate("forms => forms.map(qt.traceIdIn)", forms) == [trace_id] * len(forms)
    assert page.evaluate("qt.traceIdIn('service = cart')") is None
    search = page.get_by_role("combobox", name="Search traces")
    search.fill(forms[0])
    search.press("Enter")
    page.wait_for_url(f"**/trace/{trace_id}*")


def test_a_search_is_saved_found_again_and_deleted(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0&q=service+%3D+payment&status=error&r=6h")
    rows(page)
    page.get_by_role("button", name="Saved").click()
    page.get_by_role("textbox", name="Title of this search").fill("Failed <b>payments</b>")
    page.keyboard.press("Enter")
    saved = page.get_by_role("link", name="Failed <b>payments</b>")
    expect(saved).to_be_visible()
    page = tab.open(shop, "/traces?live=0")
    rows(page)
    page.get_by_role("button", name="Saved").click()
    saved.click()
    tab.wait_for_parameter("q", "service = payment")
    tab.wait_for_parameter("status", "error")
    page.get_by_role("button", name="Saved").click()
    page.get_by_role("button", name="Delete Failed").click()
    expect(saved).to_have_count(0)


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
    svg = page.locator(".qt-scatter svg")
    expect(svg.locator(".qt-scatter-dot").first).to_be_visible()
    box = svg.bounding_box()
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
