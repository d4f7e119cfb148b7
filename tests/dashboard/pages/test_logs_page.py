"""Log records in a browser over a real collector."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from browser_tab import Tab
from real_processes import RunningCollector

pytestmark = pytest.mark.browser


def test_a_record_opens_its_trace_at_its_span(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/logs?live=0&severity=error")
    row = page.locator(".qt-log", has_text="acquirer answered 502").first
    expect(row).to_contain_text("1 more line")
    row.locator("a.qt-log-line").click()
    page.wait_for_url("**/trace/*?span=*")


def test_words_severity_and_service_narrow_the_list_and_stand_in_the_link(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/logs?live=0")
    page.wait_for_selector("#logs-rows[data-ready]")
    everything = page.locator(".qt-log").count()
    page.get_by_role("textbox", name="Words in the message").fill("acquirer")
    page.wait_for_url("**/logs?*q=acquirer*")
    expect(page.locator(".qt-log-info")).to_have_count(0)
    assert 0 < page.locator(".qt-log").count() < everything


def test_an_unfolded_record_shows_all_of_it(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/logs?live=0&service=inventory")
    row = page.locator(".qt-log", has_text="nobody asked")
    row.get_by_role("button", name="All of this record").click()
    expect(row.locator("pre")).to_contain_text("drop table")
    expect(row.locator("a.qt-log-line")).to_have_count(0)


def test_attributes_narrow_the_list_and_a_drag_over_the_bars_chooses_a_time(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/logs?live=0")
    bars = page.locator("#logs-chart figure")
    bars.wait_for()
    box = bars.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.99, box["y"] + 30, steps=4)
    page.mouse.up()
    page.wait_for_url("**/logs?*from=*")
    page.get_by_role("textbox", name="Attributes").fill("no.such.key")
    page.wait_for_url("**/logs?*attribute=no.such.key*")
    page.get_by_role("link", name="Clear the filters").click()
    page.wait_for_selector("#logs-rows[data-ready] .qt-log")


def test_filters_that_hide_everything_can_be_cleared(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/logs?live=0&q=no-such-word")
    page.get_by_role("link", name="Clear the filters").click()
    page.wait_for_selector("#logs-rows[data-ready] .qt-log")
