"""Make the README's pictures: start a demo, wait until there is something to find, and go the four journeys.

    .venv/bin/python docs/pictures/make.py

It takes what `make test` installs and Chromium, free ports and a temporary folder, and some five minutes.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright
from png_palette import with_palette

HERE = Path(__file__).parent
SIZE = ViewportSize(width=1440, height=900)
USUAL_CHECKOUTS = 60
PATIENCE_S = 300.0
FAULTS = ("slow-query", "bad-deploy")
QUESTION = """select
  service_name, name, kind, count(*) as calls,
  round(quantile_cont(duration_ns, 0.95) / 1e6, 1) as p95_ms,
  arg_max(trace_id, duration_ns) as trace_id
from spans
group by all
order by p95_ms desc
limit 12"""


@dataclass(frozen=True)
class Demo:
    """A running demo from outside."""

    url: str
    switchboard: str

    def count(self, condition: str) -> int:
        """How many spans are so."""
        body = json.dumps({"query": f"select count(*) from spans where {condition}"}).encode()
        with urllib.request.urlopen(f"{self.url}/api/v1/sql", body) as response:
            return int(json.load(response)["rows"][0][0])

    def switch_on(self, fault: str) -> None:
        """Let this go wrong from now on."""
        urllib.request.urlopen(urllib.request.Request(f"{self.switchboard}/{fault}", method="PUT")).close()


@contextmanager
def running_demo(folder: Path) -> Iterator[Demo]:
    """`quacktrace demo` without its cycle of faults, for as long as the block runs."""
    options = ("--no-browser", "--no-cycle", "--rate", "10", "--port", "0", "--grpc-port", "0", "--data", str(folder))
    process = subprocess.Popen(
        [sys.executable, "-m", "quacktrace", "demo", *options], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        told: dict[str, str] = {}
        for line in process.stdout:
            if found := re.match(r" *(dashboard|switchboard|the answers) +(\S+)", line):
                told[found[1]] = found[2]
            if "the answers" in told:
                break
        yield Demo(told["dashboard"], told["switchboard"])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def wait_until(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_done():
        if time.monotonic() > deadline:
            raise SystemExit(f"the demo had nothing to show within {PATIENCE_S:g} s")
        time.sleep(1)


def take(page: Page, name: str) -> None:
    """Write the page as it is, at rest, to `name`.png."""
    page.mouse.move(2, 898)
    picture = with_palette(page.screenshot(animations="disabled"))
    (HERE / f"{name}.png").write_bytes(picture)
    print(f"{name}.png: {len(picture) / 1000:.0f} kB")


def go_the_journeys(page: Page, demo: Demo) -> None:
    page.goto(demo.url)
    slow = page.locator(".qt-problems a", has_text="order").filter(has_text="GET /orders").filter(has_text="p95 is")
    slow.first.wait_for(timeout=PATIENCE_S * 1000)
    page.wait_for_selector(".qt-tile-row .qt-ingest b")
    take(page, "overview")

    slow.first.click()
    page.locator(".qt-trace-row[data-trace-id]").first.click()
    page.get_by_role("row").filter(has_text="not indexed").first.click()
    page.wait_for_selector(".qt-panel[data-ready=true]")
    take(page, "trace")

    page.goto(f"{demo.url}/services?live=0")
    page.wait_for_selector("#services-map[data-ready]")
    take(page, "services")

    page.goto(f"{demo.url}/sql?{urllib.parse.urlencode({'q': QUESTION})}")
    page.get_by_role("button", name="Run").click()
    page.wait_for_selector("#sql-grid .ag-row")
    take(page, "sql")


def main() -> None:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("needs Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder)) as demo, sync_playwright() as playwright:
        wait_until(lambda: demo.count("name = 'POST /checkout' and kind = 'SERVER'") >= USUAL_CHECKOUTS)
        for fault in FAULTS:
            demo.switch_on(fault)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
        go_the_journeys(page, demo)
        browser.close()


if __name__ == "__main__":
    main()
