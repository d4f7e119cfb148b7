"""A page of a real browser that notes everything that goes wrong in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request

from real_processes import RunningCollector


@dataclass
class Tab:
    """A page of the browser with what went wrong in it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    expected_status: int | None = None
    """A status that the test provokes: browsers log every failed request as an error."""

    def open(self, collector: RunningCollector, path: str) -> Page:
        self.page.goto(f"{collector.url}{path}")
        return self.page

    def note_console(self, message: ConsoleMessage) -> None:
        provoked = self.expected_status is not None and f"status of {self.expected_status}" in message.text
        if message.type == "error" and not provoked:
            self.complaints.append(message.text)

    def note_request(self, request: Request) -> None:
        if request.url.startswith("http") and urlsplit(request.url).hostname != "127.0.0.1":
            self.complaints.append(f"asked another host: {request.url}")

    def wait_for_parameter(self, name: str, value: str) -> None:
        """Wait until the link says so."""
        self.page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get(name) == [value])
