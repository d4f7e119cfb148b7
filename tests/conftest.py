"""What all tests share: a real browser, and signals that reach the processes they start."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from browser_tab import Tab

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_configure(config: pytest.Config) -> None:
    """A run in the background of a script starts with SIGINT ignored, and so would every process that we interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # The same examples every time; `pytest --hypothesis-profile=default` looks for new ones.
    settings.register_profile("repeatable", derandomize=True, deadline=None)
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The module that waits most comes first, so that a process that shares the tests does not end with it."""
    items.sort(key=lambda item: item.path.name != "test_faults_in_the_browser.py")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Of a module and not of the session: while it runs, no other event loop may, and other modules' tests have one."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser_context(chromium: Browser) -> Iterator[BrowserContext]:
    """One for a module, so that the megabyte of scripts that every page has is compiled once, not for each test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def tab(browser_context: BrowserContext) -> Iterator[Tab]:
    """A tab that fails its test for an error on the console, an uncaught exception, another host or injected code."""
    page = browser_context.new_page()
    page.set_default_timeout(60_000)
    tab = Tab(page)
    page.on("console", tab.note_console)
    page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    page.on("request", tab.note_request)
    yield tab
    injected = page.evaluate("window.pwned")
    for opened in browser_context.pages:
        opened.evaluate("try { localStorage.clear() } catch { /* an empty page has none */ }")
        opened.close()
    browser_context.clear_cookies()
    browser_context.clear_permissions()
    assert tab.complaints == []
    assert injected is None
