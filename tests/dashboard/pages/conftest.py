"""A collector with a shop in it, an empty one, and a browser that complains about everything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from browser_tab import Tab
from real_processes import RunningCollector, running_collector
from shop_telemetry import now_ms, send_logs, send_spans, shop_hours

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    """Two hours of the shop, a module's own: what one module adds to it must not move another's numbers."""
    with running_collector(tmp_path_factory.mktemp("shop")) as running:
        spans, logs = shop_hours(now_ms())
        send_spans(running.client, spans)
        send_logs(running.client, logs)
        yield running


@pytest.fixture
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    with running_collector(tmp_path_factory.mktemp("empty")) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Of a module and not of the session: while it runs, no other event loop may, and other modules' tests have one."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Tab]:
    """A tab that fails its test for an error on the console, an uncaught exception, another host or injected code."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(20_000)
    tab = Tab(page)
    page.on("console", tab.note_console)
    page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    page.on("request", tab.note_request)
    yield tab
    injected = page.evaluate("window.pwned")
    context.close()
    assert tab.complaints == []
    assert injected is None
