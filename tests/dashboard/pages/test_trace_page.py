"""One trace: the waterfall by mouse and by keyboard, the span panel, and traces of every size and state."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.sync_api import Locator, Page, expect

from browser_tab import Tab
from real_processes import RunningCollector
from shop_telemetry import HOSTILE, MINUTE_MS, Span, now_ms, send_spans, span_hex, trace_hex

pytestmark = pytest.mark.browser

LARGE, HOSTILE_TRACE, ORPHAN, GROWING = 800_000, 800_001, 800_002, 800_003
LARGE_SPANS = 50_000


@pytest.fixture(scope="module")
def large(shop: RunningCollector) -> RunningCollector:
    """A trace of 50,000 spans: 500 groups of 100 under one root."""
    start_ns = round(now_ms() - 10 * MINUTE_MS) * 1_000_000
    for first in range(0, LARGE_SPANS, 10_000):
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.add(key="service.name").value.string_value = f"batch-{first // 10_000}"
        spans = resource_spans.scope_spans.add().spans
        for number in range(first + 1, first + 10_001):
            group = (number - 1) // 100 * 100 + 1
            parent = 0 if number == 1 else 1 if number == group else group
            begin = start_ns + number * 1000
            spans.add(
                trace_id=bytes.fromhex(trace_hex(LARGE)),
                span_id=number.to_bytes(8),
                parent_span_id=parent.to_bytes(8) if parent else b"",
                name=f"step {number}",
                kind=1,
                start_time_unix_nano=begin,
                end_time_unix_nano=start_ns + LARGE_SPANS * 1000 + 5000 if number == 1 else begin + 50_000,
            )
        body = request.SerializeToString()
        answer = shop.client.post("/v1/traces", body, content_type="application/x-protobuf")
        assert answer.is_ok, answer.body
    return shop


def open_trace(tab: Tab, collector: RunningCollector, trace: int, query: str = "") -> Page:
    page = tab.open(collector, f"/trace/{trace_hex(trace)}{query}")
    page.wait_for_selector("#trace-page[data-ready=true] .qt-wf[data-ready=true]")
    return page


def failed_checkout(shop: RunningCollector) -> int:
    rows = shop.rows("select min(trace_id) from spans where name = 'POST /payments/charge' and status_code = 'ERROR'")
    return int(str(rows[0][0]), 16)


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


def selected(page: Page) -> Locator:
    return page.locator('[role=row][aria-selected="true"]')


def test_the_header_says_what_was_asked_how_long_it_took_and_that_it_failed(shop: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, shop, failed_checkout(shop))
    expect(page.get_by_role("heading", level=1)).to_have_text("gateway POST /checkout")
    expect(page.locator(".qt-trace-head")).to_contain_text("4 errors")
    expect(page.locator(".qt-trace-facts")).to_contain_text("Spans")
    expect(page).to_have_title("POST /checkout · gateway · quacktrace")
    expect(page.get_by_role("row")).to_have_count(7)
    expect(row(page, "select items")).to_have_attribute("aria-level", "4")


def test_rows_fold_and_unfold_by_mouse_and_keys(shop: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, shop, failed_checkout(shop))
    visible = page.locator("[role=row]:visible")
    row(page, "POST /checkout").locator(".qt-wf-twisty").click()
    expect(visible).to_have_count(1)
    expect(visible).to_have_attribute("aria-expanded", "false")
    expect(visible.locator(".qt-wf-twisty")).to_have_text("6")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(visible).to_have_count(7)
    page.keyboard.press("j")
    page.keyboard.press("ArrowLeft")
    expect(visible).to_have_count(5)
    page.keyboard.press("ArrowLeft")
    expect(selected(page)).to_have_attribute("aria-level", "1")


def test_e_goes_from_error_to_error_and_the_link_follows(shop: RunningCollector, tab: Tab) -> None:
    trace = failed_checkout(shop)
    page = open_trace(tab, shop, trace)
    for number in (1, 2, 3, 4):
        page.keyboard.press("e")
        tab.wait_for_parameter("span", span_hex(100 * trace + number))
    page.keyboard.press("e")
    tab.wait_for_parameter("span", span_hex(100 * trace + 1))
    page.keyboard.press("Shift+E")
    tab.wait_for_parameter("span", span_hex(100 * trace + 4))
    page.keyboard.press("End")
    tab.wait_for_parameter("span", span_hex(100 * trace + 7))
    page.keyboard.press("Home")
    tab.wait_for_parameter("span", span_hex(100 * trace + 1))


def test_c_goes_along_the_critical_path(shop: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, shop, failed_checkout(shop))
    page.keyboard.press("c")
    expect(selected(page).locator(".qt-wf-critical:not([hidden])").first).to_be_attached()
    page.get_by_role("button", name="Critical path").click()
    expect(page.locator("[role=row]:visible").filter(has_text="select items")).to_have_count(1)


def test_a_span_opens_with_its_exception_attributes_and_logs(shop: RunningCollector, tab: Tab) -> None:
    trace = failed_checkout(shop)
    page = open_trace(tab, shop, trace, f"?span={span_hex(100 * trace + 4)}")
    panel = page.get_by_role("complementary", name="Details of the span")
    expect(panel).to_contain_text("AcquirerError")
    expect(panel).to_contain_text(f"card {trace} declined after 30 ms")
    expect(panel).to_contain_text("acquirer.example")
    expect(panel).to_contain_text("calls in the hour before")
    expect(selected(page)).to_contain_text("POST")
    row(page, "POST /payments/charge").click()
    expect(panel.locator(".qt-span-logs")).to_contain_text("acquirer answered 502")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.keyboard.press("Enter")
    expect(panel).to_be_visible()


def test_an_attribute_leads_to_the_traces_that_share_it(shop: RunningCollector, tab: Tab) -> None:
    trace = failed_checkout(shop)
    page = open_trace(tab, shop, trace, f"?span={span_hex(100 * trace + 4)}")
    page.locator(".qt-attributes > div", has_text="server.address").hover()
    page.get_by_role("link", name="Find traces with this server.address").click()
    tab.wait_for_parameter("q", 'server.address:"acquirer.example"')
    page.wait_for_selector("#traces-rows[data-ready=true] a.qt-trace-row")


def test_find_marks_matches_and_steps_through_them(shop: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, shop, failed_checkout(shop))
    page.keyboard.press("f")
    page.keyboard.type("inventory")
    expect(page.locator(".qt-trace-find [role=status]")).to_have_text("2")
    expect(page.locator(".qt-wf-row.is-match:visible")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator(".qt-trace-find [role=status]")).to_have_text("1 of 2")
    page.keyboard.press("Enter")
    expect(page.locator(".qt-trace-find [role=status]")).to_have_text("2 of 2")
    expect(selected(page)).to_contain_text("select items")
    page.keyboard.press("Escape")
    expect(page.locator(".qt-wf-row.is-match:visible")).to_have_count(0)


def test_a_service_is_hidden_and_shown_by_its_name(shop: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, shop, failed_checkout(shop))
    legend = page.get_by_role("group", name="Services")
    legend.get_by_role("button", name="inventory").click()
    expect(page.locator("[role=row]:visible")).to_have_count(5)
    legend.get_by_role("button", name="inventory").click()
    expect(page.locator("[role=row]:visible")).to_have_count(7)
    legend.get_by_role("button", name="inventory").click(modifiers=["Shift"])
    expect(page.locator("[role=row]:visible")).to_have_count(2)


def test_the_minimap_zooms_and_a_double_click_zooms_out(shop: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, shop, failed_checkout(shop))
    axis = page.locator(".qt-wf-axis")
    whole = axis.inner_text()
    box = page.locator(".qt-mini").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20, steps=3)
    page.mouse.up()
    expect(page.locator(".qt-mini-window")).to_be_visible()
    expect(axis).not_to_have_text(whole)
    page.locator(".qt-mini").dblclick()
    expect(page.locator(".qt-mini-window")).to_be_hidden()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("z")
    expect(page.locator(".qt-mini-window")).to_be_hidden()
    page.keyboard.press("End")
    page.keyboard.press("z")
    expect(page.locator(".qt-mini-window")).to_be_visible()
    page.keyboard.press("Shift+Z")
    expect(page.locator(".qt-mini-window")).to_be_hidden()


def test_fifty_thousand_spans_open_and_scroll_to_the_last(large: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, large, LARGE)
    expect(page.get_by_role("treegrid")).to_have_attribute("aria-rowcount", str(LARGE_SPANS))
    assert page.evaluate("document.querySelectorAll('*').length") < 3000
    page.locator(".qt-wf-scroll").evaluate("grid => { grid.scrollTop = grid.scrollHeight }")
    last = page.locator(f'[role=row][aria-rowindex="{LARGE_SPANS}"]')
    expect(last).to_contain_text(f"step {LARGE_SPANS}")
    expect(last).to_be_in_viewport()
    page.keyboard.press("Home")
    page.keyboard.press("End")
    tab.wait_for_parameter("span", LARGE_SPANS.to_bytes(8).hex())


def test_a_link_to_a_span_deep_in_a_large_trace_shows_it(large: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, large, LARGE, f"?span={(34_567).to_bytes(8).hex()}")
    expect(selected(page)).to_contain_text("step 34567")
    expect(selected(page)).to_be_in_viewport()


def test_telemetry_is_text_in_the_trace(shop: RunningCollector, tab: Tab) -> None:
    attributes = {HOSTILE: "javascript:alert(1)", "url.full": "javascript:window.pwned=1"}
    exception = (HOSTILE, f"<script>window.pwned=1</script>{HOSTILE}")
    send_spans(
        shop.client,
        [Span(HOSTILE_TRACE, 1, None, HOSTILE, HOSTILE, "SERVER", now_ms(), 5, True, attributes, exception)],
    )
    page = open_trace(tab, shop, HOSTILE_TRACE, f"?span={span_hex(1)}")
    panel = page.get_by_role("complementary", name="Details of the span")
    expect(panel).to_contain_text("<script>window.pwned=1</script>")
    expect(panel.get_by_role("heading", level=2)).to_have_text(HOSTILE)
    expect(page.locator("#trace-page img, #trace-page script")).to_have_count(0)
    assert (
        page.eval_on_selector_all("#trace-page a", "links => links.filter(a => a.protocol === 'javascript:').length")
        == 0
    )


def test_a_trace_without_its_root_says_what_is_missing(shop: RunningCollector, tab: Tab) -> None:
    send_spans(shop.client, [Span(ORPHAN, 2, 1, "lonely", "GET /nowhere", "SERVER", now_ms(), 5)])
    page = open_trace(tab, shop, ORPHAN)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Root span missing")
    expect(row(page, "GET /nowhere")).to_contain_text("parent missing")
    expect(page.locator(".qt-trace-facts")).to_contain_text("incomplete")


def test_spans_that_arrive_while_one_looks_appear(shop: RunningCollector, tab: Tab) -> None:
    start_ms = now_ms()
    send_spans(shop.client, [Span(GROWING, 1, None, "grower", "root", "SERVER", start_ms, 100)])
    page = open_trace(tab, shop, GROWING)
    page.wait_for_selector("html[data-live=open]")
    page.keyboard.press("ArrowDown")
    send_spans(shop.client, [Span(GROWING, 2, 1, "grower", "late child", "CLIENT", start_ms + 10, 20)])
    expect(row(page, "late child")).to_be_visible()
    expect(selected(page)).to_contain_text("root")


def test_an_unknown_trace_says_so(shop: RunningCollector, tab: Tab) -> None:
    tab.expected_status = 404
    page = tab.open(shop, f"/trace/{'f' * 32}")
    expect(page.get_by_role("heading", name="There is no such trace")).to_be_visible()
    page.get_by_role("link", name="All traces").click()
    page.wait_for_url("**/traces")


def test_the_trace_downloads_as_otlp_json(shop: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, shop, failed_checkout(shop))
    with page.expect_download() as download:
        page.get_by_role("link", name="OTLP JSON").click()
    assert download.value.suggested_filename.endswith(".otlp.json")
    assert json.loads(download.value.path().read_text())["resourceSpans"]


def durations() -> Iterator[tuple[float, str]]:
    yield from (
        (0.83, "830 ns"),
        (12.4, "12.4 µs"),
        (340_000, "340 ms"),
        (2_050_000, "2.05 s"),
        (200_000_000, "3 min 20 s"),
    )


def test_durations_read_the_same_as_on_the_servers_side(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces")
    for us, text in durations():
        assert page.evaluate("(us) => qt.duration(us)", us) == text
