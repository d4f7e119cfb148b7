"""The SQL page in a browser over a real collector and its SQL worker."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from browser_tab import Tab
from panel_numbers import numbers_of_sql, numbers_shown
from real_processes import RunningCollector

pytestmark = pytest.mark.browser


def open_sql(tab: Tab, shop: RunningCollector, query: str = "") -> Page:
    page = tab.open(shop, f"/sql?{urlencode({'q': query})}" if query else "/sql")
    page.wait_for_selector("#sql-editor[data-ready]")
    return page


def test_a_link_with_a_query_shows_its_answer(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop, "select 40 + 2 as answer, null as nothing")
    expect(page.locator("#sql-count")).to_have_text("1 row")
    expect(page.locator("#sql-grid .ag-row").first).to_contain_text("42")
    expect(page.locator("#sql-grid .ag-row").first).to_contain_text("NULL")


def test_control_enter_runs_what_was_typed_and_the_link_follows(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop)
    page.click(".cm-content")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("select count(*) as spans from spans where service_name = 'payment'")
    page.keyboard.press("ControlOrMeta+Enter")
    expect(page.locator("#sql-count")).to_have_text("1 row")
    assert "q=select+count" in page.url


def test_trace_ids_open_the_trace_beside_the_query(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop, "select trace_id, span_id from spans where service_name = 'payment' limit 5")
    cell = page.locator("#sql-grid .ag-row a").first
    trace_id = cell.text_content()
    cell.click()
    expect(page.locator("#sql-trace")).to_have_attribute("data-ready", str(trace_id))
    expect(page.locator("#sql-trace [role=row]").first).to_be_visible()
    assert "/sql" in page.url
    page.get_by_role("link", name="Open", exact=True).click()
    page.wait_for_url("**/trace/*")


def test_keyboard_alone_writes_completes_runs_and_opens_a_trace(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop)
    page.wait_for_selector("#sql-editor[data-learned]")
    expect(page.locator(".cm-content")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("select name, trace_id from spans where service_name = 'pay")
    expect(page.locator(".cm-tooltip-autocomplete li[aria-selected]")).to_contain_text("payment")
    page.wait_for_timeout(100)  # CodeMirror ignores keys for 75 ms after it has shown the list
    page.keyboard.press("Enter")
    expect(page.locator(".cm-content")).to_have_text("select name, trace_id from spans where service_name = 'payment'")
    page.keyboard.press("ControlOrMeta+Enter")
    expect(page.locator("#sql-count")).to_contain_text("rows")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#sql-grid .ag-cell-focus")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#sql-trace [role=treegrid]")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(page.locator("#sql-trace")).to_be_hidden()
    expect(page.locator("#sql-grid .ag-cell-focus")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".cm-content")).to_be_focused()


def test_attribute_keys_and_values_are_completed_from_the_data(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop)
    page.wait_for_selector("#sql-editor[data-learned]")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("from spans where attributes['server")
    expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("server.address")
    page.wait_for_timeout(100)
    page.keyboard.press("Enter")
    page.keyboard.type(" = 'acq")
    expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("acquirer.example")
    page.wait_for_timeout(100)
    page.keyboard.press("Enter")
    expect(page.locator(".cm-content")).to_have_text(
        "from spans where attributes['server.address'] = 'acquirer.example'"
    )


def test_part_of_a_chart_becomes_a_condition(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop, "select i as x, i * i as y from range(100) t(i)")
    expect(page.locator("#sql-count")).to_have_text("100 rows")
    page.get_by_role("tab", name="Chart").click()
    for kind in ("bar", "scatter", "heatmap", "line"):
        page.get_by_role("button", name=kind).click()
        expect(page.locator("svg.qt-sql-chart")).to_be_visible()
    box = page.locator("svg.qt-sql-chart").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 100)
    page.mouse.up()
    page.get_by_role("button", name="Only this part").click()
    expect(page.locator(".cm-content")).to_contain_text("where x >= ")
    expect(page.locator("#sql-count")).not_to_have_text("100 rows")


def test_plan_of_a_query_is_a_tab(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop, "select count(*) from spans")
    expect(page.locator("#sql-count")).to_have_text("1 row")
    page.get_by_role("tab", name="Plan").click()
    expect(page.locator("#sql-plan pre")).to_contain_text("Total Time")


def test_queries_are_saved_on_the_server(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop, "select 40 + 2 as kept")
    page.get_by_role("button", name="Save").click()
    page.get_by_label("Title of this query").fill("The <b>answer</b>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="The <b>answer</b>", exact=True)).to_be_visible()
    kept = shop.client.get("/api/v1/queries").json()["queries"]
    assert [(one["title"], one["query"]) for one in kept] == [("The <b>answer</b>", "select 40 + 2 as kept")]
    page.get_by_role("button", name="Delete The").click()
    expect(page.get_by_text("Queries that you save")).to_be_visible()


def test_an_error_is_underlined_where_it_is(shop: RunningCollector, tab: Tab) -> None:
    tab.expected_status = 400
    page = open_sql(tab, shop, "select service_name,\n  no_such_column from spans")
    expect(page.get_by_role("alert")).to_contain_text("no_such_column")
    expect(page.locator(".qt-sql-error-mark")).to_have_text("no_such_column")
    expect(page.get_by_role("alert")).to_contain_text("At line 2, column 3.")


def test_statements_that_change_something_are_refused(shop: RunningCollector, tab: Tab) -> None:
    tab.expected_status = 400
    page = open_sql(tab, shop, "drop view spans")
    expect(page.get_by_role("alert")).to_be_visible()


def test_a_long_query_can_be_stopped(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop, "select count(*) from range(100000000000) a, range(1000) b")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#sql-message")).to_contain_text("Stopped.")
    expect(page.locator("#sql-run")).to_be_enabled()


def test_the_schema_is_browsable_and_completes(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop)
    page.locator("#sql-schema summary", has_text="spans").first.click()
    page.click(".cm-content")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.locator("#sql-schema button", has_text="duration_ns").first.click()
    expect(page.locator(".cm-content")).to_have_text("duration_ns")
    page.wait_for_selector("#sql-editor[data-learned]")
    page.keyboard.type(" from spans where spans.status_c")
    expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("status_code")


def test_recipes_run_with_one_click(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop)
    page.get_by_role("tab", name="Recipes").click()
    page.wait_for_selector(".qt-sql-example")
    for number, example in enumerate(page.locator(".qt-sql-example").all()[:4], 1):
        example.click()
        page.wait_for_selector(f'#sql-editor[data-runs="{number}"]')
        assert page.locator(".qt-sql-error").count() == 0, page.text_content("#sql-message")


def test_answers_download_as_parquet_csv_and_json(shop: RunningCollector, tab: Tab, tmp_path: Path) -> None:
    page = open_sql(tab, shop, "select service_name, count(*) as n from spans group by all order by all")
    expect(page.locator("#sql-count")).to_contain_text("rows")
    for name in ("Parquet", "CSV", "JSON", "Arrow"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        download.value.save_as(tmp_path / name)
    assert "payment" in pq.read_table(tmp_path / "Parquet").column("service_name").to_pylist()
    assert (tmp_path / "CSV").read_text().startswith("service_name,n")
    assert '"service_name": "payment"' in (tmp_path / "JSON").read_text()


def test_past_queries_are_offered_again(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop, "select 1 as first_query")
    expect(page.locator("#sql-count")).to_have_text("1 row")
    page.click(".cm-content")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("select 2")
    page.get_by_role("tab", name="History").click()
    page.get_by_role("button", name="first_query").first.click()
    expect(page.locator(".cm-content")).to_contain_text("first_query")


PANELS_OF_PAGES = {
    "/": {"numbers", "ranked", "services", "error_groups"},
    "/hotspots": {"service_rates", "latency_heatmap", "ranked", "error_groups"},
    "/services": {"edges"},
    "/services?view=table": {"services"},
    "/services?service=payment": {"edges", "operations"},
    "/logs": {"logs"},
    "/traces": {"traces"},
    "/traces?scope=entry&service=payment": {"spans"},
}


def test_every_panel_leads_to_sql_with_its_own_numbers(shop: RunningCollector, tab: Tab) -> None:
    asked: set[str] = set()
    for path, panels in PANELS_OF_PAGES.items():
        page = tab.open(shop, f"{path}{'&' if '?' in path else '?'}live=0")
        for panel in panels:
            expect(page.locator(f"a[data-panel={panel}]").first).to_be_visible()
        for link in page.locator("a[data-panel]").all():
            parameters = dict(parse_qsl(urlsplit(str(link.get_attribute("href"))).query))
            panel = parameters.pop("panel")
            if panel in asked and "direction" not in parameters:
                continue
            asked.add(panel)
            shown = numbers_shown(shop.client, panel, parameters)
            assert shown, (path, panel)
            assert numbers_of_sql(shop.client, panel, parameters) == shown, (path, panel, parameters)
    assert asked == set().union(*PANELS_OF_PAGES.values())


def test_every_view_of_a_trace_leads_to_sql_with_its_own_numbers(shop: RunningCollector, tab: Tab) -> None:
    trace = next(
        one for one in shop.client.get("/api/v1/traces", status="error").json()["traces"] if one["span_count"] == 7
    )
    of_trace = {"trace_id": trace["trace_id"]}
    waterfall = shop.client.get(f"/api/v1/traces/{trace['trace_id']}/waterfall").json()
    views = {"waterfall": "trace", "flame": "self_time", "spans": "self_time", "map": "trace_edges", "logs": "events"}
    page = tab.open(shop, f"/trace/{trace['trace_id']}")
    for view, panel in views.items():
        page.locator(f"#trace-tab-{view}").click()
        expect(page.locator(f".qt-trace-sql a[data-panel={panel}]")).to_be_visible()
    for panel, parameters in {
        "traces": {"limit": "1000", "service": "payment", "status": "error", "min_duration": "100ms"},
        **dict.fromkeys((*views.values(), "trace_services", "critical_path"), of_trace),
        "span": {**of_trace, "span_id": waterfall["sid"][:16]},
    }.items():
        shown = numbers_shown(shop.client, panel, parameters)
        assert shown, panel
        assert numbers_of_sql(shop.client, panel, parameters) == shown, panel


def test_show_sql_runs_the_query_of_its_panel(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/services?live=0")
    page.get_by_role("link", name="Show SQL").first.click()
    page.wait_for_url("**/sql?q=*")
    expect(page.locator(".cm-content")).to_contain_text("from edges(timestamp '")
    expect(page.locator("#sql-count")).to_contain_text("row")
