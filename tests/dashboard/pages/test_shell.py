"""The frame around the pages: navigation, search, time range, theme, shortcuts, live updates."""

from __future__ import annotations

import shutil
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from browser_tab import Tab
from hostile_telemetry import PAYLOADS, send_hostile
from path_proxy import PROXY_PATH, proxy_to
from quacktrace_dashboard.pages import PAGES
from quacktrace_dashboard.palette import assign_slots
from real_processes import RunningCollector
from shop_telemetry import HOSTILE, Span, now_ms, send_spans, trace_hex

pytestmark = pytest.mark.browser


def test_navigation_takes_the_time_range_along_and_nothing_else(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?r=6h&status=error")
    page.get_by_role("link", name="Services").click()
    page.wait_for_url("**/services?r=6h")
    expect(page.get_by_role("link", name="Services")).to_have_attribute("aria-current", "page")
    page.go_back()
    page.wait_for_url("**/traces?r=6h&status=error")


def test_every_page_opens_by_its_two_keys(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?live=0")
    page.wait_for_selector("html[data-shell-ready]")
    for key, path in (
        ("s", "/services"),
        ("h", "/hotspots"),
        ("l", "/logs"),
        ("q", "/sql"),
        ("o", "/"),
        ("t", "/traces"),
    ):
        page.locator("h1").first.click()
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"{shop.url}{path}")
        page.wait_for_selector("#shell-content h1")


def test_a_range_is_a_click_and_stands_in_the_link(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces")
    page.get_by_role("button", name="6h", exact=True).click()
    tab.wait_for_parameter("r", "6h")
    expect(page.get_by_role("button", name="6h", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="1h", exact=True).click()
    page.wait_for_url(f"{shop.url}/traces")


def test_a_range_of_ones_own_refuses_an_end_before_its_start(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces")
    page.get_by_role("button", name="Custom").click()
    form = page.get_by_role("dialog", name="A time range of your own")
    form.get_by_role("button", name="12h").click()
    tab.wait_for_parameter("r", "12h")
    page.get_by_role("button", name="Last 12h").click()
    form.get_by_label("From").fill("2026-11-22T10:00:00")
    form.get_by_label("To").fill("2026-11-22T09:00:00")
    form.get_by_role("button", name="Apply").click()
    expect(form.get_by_role("alert")).to_have_text("The end must come after the start.")
    form.get_by_label("To").fill("2026-11-22T11:00:00")
    form.get_by_role("button", name="Apply").click()
    page.wait_for_url("**/traces?from=*")
    query = parse_qs(urlsplit(page.url).query)
    assert int(query["to"][0]) - int(query["from"][0]) == 3_600_000
    expect(page.get_by_role("button", name="Live")).to_be_disabled()


def test_a_pasted_trace_id_opens_the_trace(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/services")
    page.wait_for_selector("html[data-shell-ready]")
    page.keyboard.press("/")
    page.keyboard.type(f"00-{trace_hex(3).upper()}-00000000000000aa-01")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/trace/{trace_hex(3)}*")
    page.wait_for_selector("#trace-page[data-ready=true] .qt-wf-row")


def test_other_words_search_the_traces(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/services?r=6h")
    search = page.get_by_placeholder("Search traces")
    search.fill("service:payment status:error")
    search.press("Enter")
    page.wait_for_url("**/traces?r=6h&q=service*")
    expect(search).to_have_value("service:payment status:error")
    page.wait_for_selector("#traces-rows[data-ready=true] a.qt-trace-row")


def test_the_search_box_offers_services_and_operations(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/logs?live=0&r=6h")
    search = page.get_by_role("combobox", name="Find a trace")
    search.fill("paym")
    offered = page.get_by_role("listbox", name="Find a trace")
    expect(offered.get_by_role("option", name="payment Service")).to_be_visible()
    search.press("ArrowDown")
    search.press("Enter")
    page.wait_for_url("**/services?r=6h&service=payment")
    search.fill("POST /pay")
    offered.get_by_role("option", name="POST /payments/charge Operation").click()
    page.wait_for_url("**/traces?r=6h&operation=*")
    page.wait_for_selector("#traces-rows[data-ready=true] a.qt-trace-row")


def test_the_theme_is_kept_and_set_before_the_page_is_drawn(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces")
    button = page.get_by_role("button", name="Theme")
    theme = "document.documentElement.dataset.mantineColorScheme"
    for expected in ("light", "dark"):
        button.click()
        page.wait_for_function(f"{theme} === '{expected}'")
    page.add_init_script(f"addEventListener('DOMContentLoaded', () => {{ window.early = {theme} }})")
    page.reload()
    page.wait_for_selector("html[data-shell-ready]")
    assert page.evaluate("window.early") == "dark"
    assert page.evaluate("document.body.dataset.agThemeMode") == "dark"


def test_shortcuts_are_listed_and_typing_is_none(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces")
    page.wait_for_selector("html[data-shell-ready]")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("gs?t")
    expect(page.get_by_role("combobox", name="Search traces")).to_have_value("gs?t")
    expect(dialog).to_be_hidden()
    assert page.url == f"{shop.url}/traces"


def test_a_copied_link_shows_the_same_time_later(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/traces?status=error")
    page.wait_for_selector(".qt-early", state="detached")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy a link").click()
    expect(page.get_by_text("Link to exactly this view copied")).to_be_visible()
    query = parse_qs(urlsplit(page.evaluate("navigator.clipboard.readText()")).query)
    assert query["status"] == ["error"]
    assert int(query["to"][0]) - int(query["from"][0]) == 3_600_000


def test_an_unknown_page_says_so_and_leads_on(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/no-such-page")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    page.get_by_role("link", name="Go to the traces").click()
    page.wait_for_url("**/traces")


def test_the_first_span_fills_a_waiting_page_and_a_lost_collector_is_said(empty: RunningCollector, tab: Tab) -> None:
    page = tab.open(empty, "/traces")
    expect(page.get_by_text("Waiting for the first span…")).to_be_visible()
    expect(page.get_by_text(f"quacktrace run --endpoint {empty.url} -- python app.py")).to_be_visible()
    page.evaluate("window.sameDocument = true")
    # The first tick may come before the page listens to them.
    page.wait_for_selector("html[data-live=open]")
    send_spans(empty.client, [Span(1, 1, None, "first", "GET /", "SERVER", now_ms(), 3)])
    page.wait_for_selector(f'a[data-trace-id="{trace_hex(1)}"]')
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_text("No operation fails or is slower than it was.")).to_be_visible()
    assert page.evaluate("window.sameDocument") is True
    empty.process.terminate()
    empty.process.wait(30)
    expect(page.get_by_text("The collector does not answer. Trying again…")).to_be_visible()
    page.goto("about:blank")
    # The browser said so too, once for every try.
    tab.complaints[:] = [text for text in tab.complaints if "ERR_" not in text and "Failed to fetch" not in text]


def test_text_stands_out_from_the_page_in_both_themes(shop: RunningCollector, chromium: Browser) -> None:
    for scheme in ("light", "dark"):
        context = chromium.new_context(color_scheme="light" if scheme == "light" else "dark", reduced_motion="reduce")
        page = context.new_page()
        page.goto(f"{shop.url}/traces")
        page.wait_for_selector("h1")
        assert page.evaluate(_CONTRAST) >= 4.5, scheme
        context.close()


_CONTRAST = """() => {
  const channel = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map((v) => channel(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const page = light(getComputedStyle(document.body).backgroundColor);
  const ratio = (element) => {
    const [high, low] = [light(getComputedStyle(element).color), page].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  return Math.min(...[...document.querySelectorAll("h1, .qt-nav-link, .qt-muted, .qt-segment")].map(ratio));
}"""


def test_colours_are_the_same_in_python_and_in_the_browser(shop: RunningCollector, tab: Tab) -> None:
    names = ["cart", "payment-service", "ñandú", "支付", "a", "b", "c", "d", "e", "f", "g", "h", HOSTILE]
    page = tab.open(shop, "/traces")
    page.wait_for_selector("html[data-shell-ready]")
    slots = page.evaluate("(names) => { qt.setSlots({}); return qt.assignSlots(names); }", names)
    assert slots == assign_slots(names)


def test_damaged_data_that_was_set_aside_has_a_banner_on_every_page(shop: RunningCollector, tab: Tab) -> None:
    quarantine = shop.data_dir / "quarantine"
    quarantine.mkdir()
    (quarantine / "000000000001-<b>1").write_bytes(b"")
    try:
        page = tab.open(shop, "/sql")
        banner = page.locator("#shell-problems")
        expect(banner).to_contain_text("damaged")
        expect(banner).to_contain_text("000000000001-<b>1")
    finally:
        shutil.rmtree(quarantine)
    page = tab.open(shop, "/sql")
    expect(page.locator("#shell-content")).to_contain_text("Run")
    expect(page.locator("#shell-problems")).to_be_hidden()


def test_pages_work_below_a_path_that_a_proxy_takes_off(shop: RunningCollector, tab: Tab) -> None:
    page = tab.page
    with proxy_to(shop.url) as below:
        assert below.endswith(PROXY_PATH)
        page.goto(f"{below}/?r=6h")
        page.locator(".qt-problems a").first.click()
        page.wait_for_url(f"{below}/traces*")
        expect(page.locator("a.qt-trace-row").first).to_be_visible()
        for one in PAGES:
            if one.icon:
                page.get_by_role("navigation", name="Pages").get_by_role("link", name=one.title).click()
                page.wait_for_url(f"{below}{one.path}*")
                expect(page.get_by_role("heading", level=1)).to_have_text(one.title)
        page.goto(f"{below}/trace/{trace_hex(3)}")
        expect(page.get_by_role("treegrid").get_by_role("row").first).to_be_visible()
        page.wait_for_selector("html[data-shell-ready]")
        page.get_by_role("tab", name="Map").click()
        expect(page.locator(".qt-trace-map[data-ready]")).to_be_visible()
        page.goto("about:blank")  # the live feed ends before the proxy does


def test_thirty_payloads_in_every_field_stay_text_on_every_page(shop: RunningCollector, tab: Tab) -> None:
    traces = send_hostile(shop.client, now_ms())
    page, service = tab.page, PAYLOADS[2]
    page.on("dialog", lambda dialog: tab.complaints.append(dialog.message))
    query = urlencode({"r": "15m", "live": "0"})
    seen = {
        f"/?{query}": "#overview-failing li",
        f"/services?{query}&view=table": ".ag-row",
        f"/services?{query}&{urlencode({'focus': service, 'service': service})}": ".qt-node",
        f"/hotspots?{query}": ".qt-error-groups li",
        f"/traces?{query}": "a.qt-trace-row",
        f"/traces?{query}&scope=all&columns=" + quote(f"key {service},db.query.text"): ".qt-facet-value",
        f"/traces?{query}&chart=heatmap&{urlencode({'service': service})}": "a.qt-trace-row",
        f"/logs?{query}": ".qt-log",
        f"/sql?{urlencode({'panel': 'spans', 'q': '', 'from': 0, 'to': int(now_ms())})}": ".cm-content",
    }
    seen[f"/trace/{traces[2]}?span={2 * 8 + 1:016x}"] = ".qt-panel h2"
    seen[f"/trace/{traces[0]}?compare={traces[3]}"] = '[data-panel="compare"] [role=row]'
    for path, selector in seen.items():
        tab.open(shop, path)
        expect(page.locator(selector).first).to_be_visible()
        assert page.evaluate(_INJECTED) == [], path
        for key, view in enumerate(("waterfall", "flame", "spans", "map", "logs"), 1) if "span=" in path else ():
            page.keyboard.press(str(key))
            expect(page.locator(f'[data-panel="{view}"]')).to_be_visible()
            assert page.evaluate(_INJECTED) == [], view


# What our pages never have, and what the payloads would leave behind.
_INJECTED = """() => {
  const names =
    "iframe, object, embed, base, marquee, video, math, link[href*=elsewhere], meta[content*=elsewhere], img[src=x]";
  const isCode = ({ name, value }) =>
    name.startsWith("on") || (["href", "src", "action"].includes(name) && /^\\s*(javascript|data:text)/i.test(value));
  const marked = [...document.querySelectorAll("*")].filter((one) => [...one.attributes].some(isCode));
  const styles = [...document.querySelectorAll("style")].filter((one) => one.textContent.includes("elsewhere"));
  return [...document.querySelectorAll(names), ...marked, ...styles].map((one) => one.outerHTML.slice(0, 200));
}"""
