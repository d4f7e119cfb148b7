"""One trace from every side: folded repeats, clocks, flame graph, operations, map, logs, comparison, and as a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from playwright.sync_api import Locator, Page, expect

from browser_tab import Tab
from quacktrace_collector.commands.import_files import import_file
from real_processes import RunningCollector, running_collector
from shop_telemetry import HOSTILE, MINUTE_MS, Log, Span, now_ms, send_logs, send_spans, span_hex, trace_hex

pytestmark = pytest.mark.browser

ORDER, SLOWER, STRANGE = 1, 2, 3
ROOT, CHARGE, STOCK, MAIL, FIRST_QUERY = 1, 2, 3, 4, 10
QUERY = "select id, total from orders where state = 'open' and total > 100 order by total desc"
STACK = """Traceback (most recent call last):
  File "/usr/lib/python3/site-packages/flask/app.py", line 1473, in wsgi_app
    response = self.full_dispatch_request()
  File "/srv/shop/handlers.py", line 42, in charge
    raise Declined(card)
shop.Declined: no funds"""


def order(trace: int, start_ms: float, *, stock_ms: float = 80) -> Iterator[Span]:
    """An order: a charge with twelve alike queries, stock whose clock is 50 ms early, a mail that nobody waits for."""
    base = trace * 100

    def span(number: int, parent: int, service: str, name: str, kind: str, at: float, ms: float) -> Span:
        return Span(trace, base + number, base + parent, service, name, kind, start_ms + at, ms)

    yield Span(trace, base + ROOT, None, "gateway", "POST /orders", "SERVER", start_ms, 400 + stock_ms)
    yield span(CHARGE, ROOT, "payment", "POST /charge", "SERVER", 10, 150)
    for number in range(12):
        yield Span(
            trace,
            base + FIRST_QUERY + number,
            base + CHARGE,
            "payment",
            "SELECT orders",
            "CLIENT",
            start_ms + 12 + 10 * number,
            6,
            attributes={"db.query.text": QUERY, "db.system.name": "postgresql", "server.address": "db-0"},
        )
    yield span(STOCK, ROOT, "inventory", "GET /stock", "SERVER", -50, stock_ms)
    yield span(MAIL, ROOT, "mail", "send mail", "CONSUMER", 300, 900)
    if trace == SLOWER:
        yield span(5, STOCK, "inventory", "wait for lock", "INTERNAL", -40, stock_ms - 20)


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    with running_collector(tmp_path_factory.mktemp("orders")) as running:
        start_ms = now_ms() - 2 * MINUTE_MS
        send_spans(running.client, [*order(ORDER, start_ms), *order(SLOWER, start_ms + 5000, stock_ms=300)])
        send_logs(running.client, [Log("payment", "card refused", 17, start_ms + 70, ORDER, 100 + CHARGE)])
        send_strange(running, start_ms)
        yield running


def send_strange(running: RunningCollector, start_ms: float) -> None:
    """A trace without a root, with hostile texts, an exception with frames, and a link to another trace."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = HOSTILE
    span = resource_spans.scope_spans.add().spans.add(
        trace_id=bytes.fromhex(trace_hex(STRANGE)),
        span_id=bytes.fromhex(span_hex(301)),
        parent_span_id=bytes.fromhex(span_hex(399)),
        name=f"</script>{HOSTILE}",
        kind=OtlpSpan.SPAN_KIND_SERVER,
        start_time_unix_nano=round(start_ms * 1e6),
        end_time_unix_nano=round((start_ms + 30) * 1e6),
    )
    span.attributes.add(key=HOSTILE).value.string_value = "<script>window.pwned=1</script>"
    span.attributes.add(key="retries").value.int_value = 3
    span.links.add(trace_id=bytes.fromhex(trace_hex(ORDER)), span_id=bytes.fromhex(span_hex(100 + CHARGE)))
    event = span.events.add(name="exception", time_unix_nano=round((start_ms + 20) * 1e6))
    for key, value in (("type", "Declined"), ("message", HOSTILE), ("stacktrace", STACK)):
        event.attributes.add(key=f"exception.{key}").value.string_value = value
    answer = running.client.post("/v1/traces", request.SerializeToString(), content_type="application/x-protobuf")
    assert answer.is_ok, answer.body


def open_trace(tab: Tab, collector: RunningCollector, trace: int, query: str = "") -> Page:
    page = tab.open(collector, f"/trace/{trace_hex(trace)}{query}")
    page.wait_for_selector("#trace-page[data-ready=true]")
    return page


def rows(page: Page) -> Locator:
    return page.locator(".qt-wf-row:visible")


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Details of the span")


def selected_span(tab: Tab, number: int) -> None:
    tab.wait_for_parameter("span", span_hex(number))


def test_alike_siblings_are_one_row_until_somebody_looks(orders: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, orders, ORDER)
    folded = rows(page).filter(has_text="SELECT orders")
    expect(folded).to_have_count(1)
    expect(folded.locator(".qt-wf-repeat")).to_have_text("×12, 72 ms")
    expect(page.get_by_role("treegrid")).to_have_attribute("aria-rowcount", "5")
    folded.locator(".qt-wf-repeat").click()
    expect(folded).to_have_count(12)
    folded.first.locator(".qt-wf-repeat").click()
    expect(folded).to_have_count(1)
    page.get_by_role("searchbox", name="Find in this trace").fill("postgres SELECT")
    expect(page.locator(".qt-trace-find [role=status]")).to_have_text("none")
    page.get_by_role("searchbox", name="Find in this trace").fill("total desc")
    for _ in range(2):
        page.keyboard.press("Enter")
    expect(page.locator(".qt-trace-find [role=status]")).to_have_text("2 of 12")
    expect(folded).to_have_count(12)


def test_gaps_and_late_ends_are_marked_and_clocks_aligned_on_demand(orders: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, orders, ORDER, f"?span={span_hex(100 + STOCK)}")
    start = panel(page).locator(".qt-panel-facts dd").first
    expect(start).to_have_text("+0 ns")
    expect(rows(page).filter(has_text="POST /orders").locator(".qt-wf-gap:visible")).not_to_have_count(0)
    expect(rows(page).filter(has_text="send mail").locator(".qt-wf-late:visible")).to_have_count(1)
    page.get_by_role("button", name="Align clocks").click()
    tab.wait_for_parameter("clocks", "aligned")
    page.reload()
    expect(page.get_by_role("button", name="Clocks aligned")).to_be_visible()
    expect(panel(page)).to_contain_text("later than it was sent")
    expect(start).to_have_text("+250 ms")


def test_the_link_says_what_is_seen(orders: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, orders, ORDER, '?mode=services&hide=["mail"]&zoom=0-200000&find=stock')
    expect(rows(page)).to_have_count(3)
    expect(page.get_by_role("button", name="Services", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("searchbox", name="Find in this trace")).to_have_value("stock")
    expect(page.locator(".qt-mini-window")).to_be_visible()
    page.get_by_role("button", name="All spans").click()
    page.keyboard.press("-")
    page.keyboard.press("-")
    tab.wait_for_parameter("level", "0")
    page.reload()
    expect(rows(page)).to_have_count(1)


def test_spans_that_a_search_found_are_marked(orders: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, orders, ORDER, "?q=service%3Dinventory")
    expect(page.locator(".qt-trace-asked")).to_contain_text("1 span matches service=inventory")
    expect(page.locator(".qt-wf-row.is-asked:visible")).to_contain_text("GET /stock")
    page.keyboard.press("n")
    selected_span(tab, 100 + STOCK)


def test_the_flame_graph_zooms_and_operations_sort(orders: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, orders, ORDER, "?view=flame")
    page.wait_for_selector(".qt-flame[data-ready=true]")
    status = page.locator(".qt-flame-status")
    expect(status).to_contain_text("16 spans")
    page.locator(".qt-flame-scroll").click(position={"x": 60, "y": 30})
    expect(status).to_contain_text("gateway POST /orders")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(panel(page)).to_be_visible()
    page.get_by_role("button", name="By operation").click()
    expect(status).to_contain_text("5 paths of operations")
    page.get_by_role("tab", name="Spans").click()
    first = page.get_by_role("grid", name="Operations of this trace").locator(".qt-list-row:visible").first
    page.get_by_role("columnheader", name="Count").click()
    tab.wait_for_parameter("sort", "-count")
    expect(first).to_contain_text("SELECT orders")
    expect(first.get_by_role("gridcell").nth(2)).to_have_text("12")
    page.get_by_role("columnheader", name="Longest").click()
    expect(first).to_contain_text("send mail")
    first.click()
    expect(panel(page).get_by_role("heading", level=2)).to_have_text("send mail")


def test_the_map_and_the_logs_lead_to_spans(orders: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, orders, ORDER, "?view=map")
    expect(page.get_by_role("button", name="postgresql://db-0, database")).to_be_visible()
    page.get_by_role("button", name="payment, service").click()
    expect(panel(page).get_by_role("heading", level=2)).to_have_text("POST /charge")
    page.get_by_role("tab", name="Logs & events").click()
    line = page.locator(".qt-logs-view .qt-list-row:visible")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("card refused")
    page.keyboard.press("Escape")
    line.click()
    expect(panel(page).get_by_role("heading", level=2)).to_have_text("POST /charge")


def test_two_traces_stand_side_by_side(orders: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, orders, ORDER)
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("700 ms")).click()
    tab.wait_for_parameter("compare", trace_hex(SLOWER))
    page.reload()
    tree = page.get_by_role("treegrid", name="Both traces by operation")
    expect(tree.get_by_role("row").filter(has_text="GET /stock")).to_contain_text("+220 ms")
    expect(tree.get_by_role("row").filter(has_text="wait for lock")).to_contain_text("only in B")
    page.get_by_role("button", name="Stop comparing").click()
    expect(page.get_by_role("treegrid", name="Spans of this trace")).to_be_visible()
    page.wait_for_url(lambda url: "compare" not in url)


def test_the_panel_reads_queries_frames_and_links_both_ways(orders: RunningCollector, tab: Tab) -> None:
    page = open_trace(tab, orders, ORDER, f"?span={span_hex(100 + FIRST_QUERY)}")
    query = panel(page).locator(".qt-sql-text")
    expect(query).to_contain_text(QUERY)
    assert [line.strip().split()[0] for line in query.inner_text().splitlines()] == [
        *("select", "from", "where", "and", "order")
    ]
    panel(page).locator(".qt-attributes > div", has_text="server.address").hover()
    without = panel(page).get_by_role("link", name="Find traces without this server.address")
    expect(without).to_have_attribute("href", re.compile("server.address\\+%21%3D\\+%22db-0%22"))
    rows(page).filter(has_text="POST /charge").click()
    panel(page).get_by_role("link", name=f"</script>{HOSTILE}").click()
    selected_span(tab, 301)
    expect(panel(page)).to_contain_text(f"Its parent {span_hex(399)} is not stored")
    expect(panel(page)).to_contain_text("its caller is not traced")
    expect(panel(page)).to_contain_text("In your code: handlers.py:42 in charge")
    expect(panel(page).locator(".qt-frame-fold")).to_contain_text("1 library frame")
    expect(panel(page).locator(".qt-attributes > div", has_text="retries")).to_contain_text("int")
    panel(page).get_by_role("link", name=re.compile(span_hex(100 + CHARGE))).click()
    selected_span(tab, 100 + CHARGE)


@pytest.mark.parametrize("trace", [ORDER, STRANGE])
def test_a_saved_trace_opens_without_a_network_and_imports_back(
    orders: RunningCollector, tab: Tab, tmp_path: Path, trace: int
) -> None:
    page = open_trace(tab, orders, trace)
    with page.expect_download() as download:
        page.get_by_role("link", name="HTML file").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector("#trace-page[data-ready=true] .qt-wf[data-ready=true]")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(panel(page).get_by_role("heading", level=2)).to_contain_text("POST /orders" if trace == ORDER else HOSTILE)
    page.keyboard.press("f")
    page.keyboard.type("mail")
    expect(page.locator(".qt-trace-find [role=status]")).to_have_text("1" if trace == ORDER else "none")
    for view in ("Flame graph", "Spans", "Map", "Logs & events"):
        page.get_by_role("tab", name=view).click()
        page.wait_for_selector(".qt-trace-pane[data-ready=true]:visible")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("window.pwned") is None
    outcome = import_file(orders.client, file)
    assert (outcome.spans, outcome.rejected) == (16 if trace == ORDER else 1, 0)


def test_a_file_of_an_unknown_trace_is_refused_in_json(orders: RunningCollector) -> None:
    for path in (f"/trace/{'e' * 32}/trace.html", f"/trace/{'e' * 32}/map.json"):
        answer = orders.client.get(path)
        assert (answer.status, answer.json()["error"]["code"]) == (404, "trace_not_found")
    assert orders.client.get("/trace/nonsense/trace.html").status == 400
