"""Heatmaps, ranking and error groups in a browser over a real collector."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from browser_tab import Tab
from real_processes import RunningCollector
from shop_telemetry import HOSTILE

pytestmark = pytest.mark.browser


def open_hotspots(tab: Tab, shop: RunningCollector) -> Page:
    page = tab.open(shop, "/hotspots?live=0")
    page.wait_for_selector("#hotspots-errors .heatmaplayer image")
    page.wait_for_selector("#hotspots-latency .heatmaplayer image")
    return page


def test_a_red_cell_leads_to_the_failed_traces_of_that_service_and_time(shop: RunningCollector, tab: Tab) -> None:
    page = open_hotspots(tab, shop)
    labels = page.locator("#hotspots-errors .ytick text").all_text_contents()
    assert {"payment", "gateway", "inventory"} <= set(labels)
    plot = page.locator("#hotspots-errors .nsewdrag").bounding_box()
    assert plot
    row = labels.index("payment")
    # Failures are all over the hour: any cell in the middle of payment's row will do.
    page.mouse.move(plot["x"] + plot["width"] / 2, plot["y"] + plot["height"] * (row + 0.5) / len(labels))
    page.wait_for_selector("#hotspots-errors .hoverlayer .hovertext")
    page.mouse.click(plot["x"] + plot["width"] / 2, plot["y"] + plot["height"] * (row + 0.5) / len(labels))
    page.wait_for_url("**/traces?*")
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["service"] == ["payment"]
    assert asked["status"] == ["error"]
    assert 0 < int(asked["to"][0]) - int(asked["from"][0]) <= 180_000


def test_what_changed_names_where_it_started_and_leads_on(shop: RunningCollector, tab: Tab) -> None:
    page = open_hotspots(tab, shop)
    changes = page.get_by_role("region", name="What changed")
    first = changes.get_by_role("listitem").first
    expect(first).to_contain_text("inventory")
    expect(first).to_contain_text("likeliest origin")
    expect(first).to_contain_text("select items itself takes")
    expect(changes.get_by_role("link", name="Example: inventory")).to_have_attribute(
        "href", re.compile(r"/trace/\w{32}")
    )
    changes.get_by_role("link", name="Map: inventory").click()
    page.wait_for_url("**/services?*focus=inventory*")


def test_a_box_of_latencies_is_compared_with_the_rest_and_leads_to_its_traces(shop: RunningCollector, tab: Tab) -> None:
    page = open_hotspots(tab, shop)
    plot = page.locator("#hotspots-latency .nsewdrag").bounding_box()
    assert plot
    page.mouse.move(plot["x"] + plot["width"] * 0.3, plot["y"] + plot["height"] * 0.01)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.8, plot["y"] + plot["height"] * 0.3, steps=6)
    page.mouse.up()
    box = page.get_by_role("region", name="The box against the rest")
    expect(box.get_by_role("link", name="service payment: 0% in the box")).to_be_visible()
    page.reload()
    box.get_by_role("link", name="View these traces").click()
    page.wait_for_url("**/traces?*min_duration=*")
    asked = parse_qs(urlsplit(page.url).query)
    assert int(asked["from"][0]) < int(asked["to"][0])
    assert asked["max_duration"][0].endswith("ms")


def test_the_ranking_leads_to_the_operations_traces(shop: RunningCollector, tab: Tab) -> None:
    page = open_hotspots(tab, shop)
    row = page.locator("#hotspots-grid .ag-row", has_text="POST /payments/charge")
    expect(row.locator('[col-id="error_change"]')).to_contain_text("▲")
    impact = row.locator('[col-id="impact"] .qt-impact')
    failed, lost, total = re.findall(r"[\d.]+", impact.get_attribute("title") or "")
    assert float(failed) + float(lost) == pytest.approx(float(total), abs=0.011)
    row.locator('[col-id="operation"]').click()
    page.wait_for_url("**/traces?*operation=POST+%2Fpayments%2Fcharge*")


def test_error_groups_show_where_failures_began_with_variable_parts_removed(shop: RunningCollector, tab: Tab) -> None:
    page = open_hotspots(tab, shop)
    group = page.locator(".qt-error-groups li", has_text="AcquirerError")
    expect(group).to_have_count(1)
    expect(group).to_contain_text("payment")
    expect(group).to_contain_text("first seen")
    group.locator(".qt-error-reach").get_by_role("link", name="POST /checkout").click()
    page.wait_for_url("**/traces?*service=gateway*")


def test_hostile_names_are_text_everywhere(shop: RunningCollector, tab: Tab) -> None:
    page = open_hotspots(tab, shop)
    expect(page.locator("#hotspots-grid")).to_contain_text(HOSTILE[:20])
    assert page.locator("#hotspots-content img[src=x]").count() == 0


def test_one_service_alone_can_be_looked_at(shop: RunningCollector, tab: Tab) -> None:
    page = tab.open(shop, "/hotspots?live=0&service=inventory")
    page.wait_for_selector("#hotspots-errors .heatmaplayer image")
    assert page.locator("#hotspots-errors .ytick text").all_text_contents() == ["inventory"]
    page.get_by_role("link", name="All services, not only inventory").click()
    expect(page.locator("#hotspots-errors .ytick text", has_text="payment")).to_be_visible()
