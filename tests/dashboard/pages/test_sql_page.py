"""The SQL page in a browser over a real collector and its SQL worker."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from browser_tab import Tab
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


def test_trace_ids_are_links(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop, "select trace_id, span_id from spans where service_name = 'payment' limit 5")
    page.locator("#sql-grid .ag-row a").first.click()
    page.wait_for_url("**/trace/*")


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
    page.keyboard.type(" from spans where spans.status_c")
    expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("status_code")


def test_every_example_runs(shop: RunningCollector, tab: Tab) -> None:
    page = open_sql(tab, shop)
    page.wait_for_selector(".qt-sql-example")
    for number, example in enumerate(page.locator(".qt-sql-example").all(), 1):
        example.click()
        page.wait_for_selector(f'#sql-editor[data-runs="{number}"]')
        assert page.locator(".qt-sql-error").count() == 0, page.text_content("#sql-message")


def test_answers_download_as_parquet_csv_and_json(shop: RunningCollector, tab: Tab, tmp_path: Path) -> None:
    page = open_sql(tab, shop, "select service_name, count(*) as n from spans group by all order by all")
    expect(page.locator("#sql-count")).to_contain_text("rows")
    for name in ("Parquet", "CSV", "JSON"):
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
    page.get_by_role("button", name="History").click()
    page.get_by_role("menuitem", name="first_query").click()
    expect(page.locator(".cm-content")).to_contain_text("first_query")


def test_show_sql_on_every_page_leads_to_a_query_that_runs(shop: RunningCollector, tab: Tab) -> None:
    for path in ("/", "/services", "/services?view=table", "/hotspots", "/logs"):
        page = tab.open(shop, f"{path}{'&' if '?' in path else '?'}live=0")
        page.get_by_role("link", name="Show SQL").first.click()
        page.wait_for_url("**/sql?q=*")
        expect(page.locator("#sql-count")).to_contain_text("row")
