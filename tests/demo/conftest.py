"""The demo, as a person starts it: the real command, the real collector, ten service processes."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

DEMO = (sys.executable, "-m", "quacktrace", "demo")
PATIENCE_S = 120.0


class RunningDemo:
    """`quacktrace demo` in a process of its own; what it prints is kept."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.lines: list[str] = []
        free_ports = ("--port", "0", "--grpc-port", "0")
        ours = ("OTEL_", "QUACKTRACE_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.process = subprocess.Popen(
            [*DEMO, *free_ports, "--no-browser", "--no-cycle", "--data", str(data), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            wait_until(lambda: self.told("the answers") or self.process.poll() is not None)
            assert self.process.poll() is None, self.lines
        except AssertionError:
            self.end()
            raise

    def told(self, label: str) -> str:
        """What stands behind `label` in the lines printed so far; empty if it was not printed."""
        return next((line.split(label, 1)[1].strip() for line in self.lines if line.strip().startswith(label)), "")

    def family(self) -> list[psutil.Process]:
        """The demo and every process it started, their children included."""
        demo = psutil.Process(self.process.pid)
        return [demo, *demo.children(recursive=True)]

    def member(self, instance: str) -> psutil.Process:
        """The process of one instance, or of the collector by `up`."""
        return next(process for process in self.family() if instance in process.cmdline())

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())


@dataclass(frozen=True)
class Shop:
    """The running demo from outside: its door, its switchboard, and what the collector knows of it."""

    demo: RunningDemo
    gateway_url: str
    control_url: str
    collector_url: str

    def ask(
        self, method: str, path: str, body: Any = None, *, tenant: str = "acme", token: str = "", key: str = ""
    ) -> tuple[str, int, Any]:
        """Trace id, status and JSON of a request to the gateway; the trace id is the test's own."""
        trace_id = secrets.token_hex(16)
        headers = {
            "X-Api-Key": f"key-{tenant}",
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": key or trace_id,
            "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01",
        }
        return trace_id, *fetch(method, self.gateway_url + path, body, headers)

    def sign_in(self, user_id: int) -> str:
        """A token for one of the customers, once the shop lets people in: a circuit may still be open."""
        credentials = {"user_id": user_id, "password": f"quack-{user_id}"}
        tokens: list[str] = []

        def is_let_in() -> bool:
            _, status, answer = self.ask("POST", "/signin", credentials)
            tokens.extend([str(answer["token"])] if status == 201 else [])
            return bool(tokens)

        wait_until(is_let_in)
        return tokens[0]

    def await_health(self) -> None:
        """Wait until what a fault leaves behind is over: open circuits, queues, locks. Every service is asked."""
        bill = {"user_id": 42, "amount_cents": 100}

        def is_well() -> bool:
            token = self.sign_in(42)
            answers = [
                self.check_out(token),
                self.ask("POST", "/payments/charge", bill),
                self.ask("GET", "/orders", token=token),
                self.ask("GET", "/users/3"),
                self.ask("GET", "/browse"),
            ]
            return all(status < 300 for _, status, _ in answers)

        wait_until(lambda: is_well() and is_well())

    def check_out(self, token: str) -> tuple[str, int, Any]:
        """Buy something."""
        return self.ask("POST", "/checkout", {"lines": [{"item_id": 123, "quantity": 1}]}, token=token)

    def rows(self, query: str) -> list[list[Any]]:
        """The rows that the collector's SQL answers."""
        status, answer = fetch("POST", f"{self.collector_url}/api/v1/sql", {"query": query}, {})
        assert status == 200, answer
        rows: list[list[Any]] = answer["rows"]
        return rows

    def await_rows(self, query: str, count: int = 1) -> list[list[Any]]:
        """As `rows`, once there are at least `count`: exporters send once a second."""
        found: list[list[Any]] = []

        def is_enough() -> bool:
            found[:] = self.rows(query)
            return len(found) >= count

        wait_until(is_enough)
        return found

    def get(self, path: str) -> Any:
        """An answer of the collector's API."""
        status, answer = fetch("GET", self.collector_url + path, None, {})
        assert status == 200, answer
        return answer

    def switch(self, fault: str, *, on: bool) -> None:
        """Turn a fault on or off at the switchboard."""
        status, answer = fetch("PUT" if on else "DELETE", f"{self.control_url}/faults/{fault}", None, {})
        assert status == 200, answer
        assert answer["on"] is on


def fetch(method: str, url: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
    """Status and JSON of one HTTP request; None where the body is not JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else None


def wait_until(is_done: Callable[[], object]) -> None:
    """Poll until `is_done` is true; fails after two minutes."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_done():
        assert time.monotonic() < deadline, "still waiting after two minutes"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One demo for a module's tests, with few customers of its own and no fault that a test did not switch on."""
    demo = RunningDemo(tmp_path_factory.mktemp("demo"), "--rate", "3")
    try:
        yield Shop(
            demo=demo,
            gateway_url=demo.told("the shop").removeprefix("curl ").removesuffix("/users/42"),
            control_url=demo.told("switchboard").removesuffix("/faults"),
            collector_url=demo.told("dashboard"),
        )
    finally:
        demo.end()


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[Callable[..., RunningDemo]]:
    """Starts a demo that the test may end as it likes."""
    started: list[RunningDemo] = []

    def start(*options: str) -> RunningDemo:
        started.append(RunningDemo(tmp_path / "data", *options))
        return started[-1]

    yield start
    for demo in started:
        demo.end()
