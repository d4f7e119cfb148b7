"""Start real processes, a collector among them, each on ports of its own, and wait for what they say."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from quacktrace.client import CollectorClient

PATIENCE_S = 60.0


@dataclass(frozen=True)
class RunningCollector:
    """Where a `quacktrace up` of this test session listens."""

    url: str
    grpc_address: str
    data_dir: Path
    process: subprocess.Popen[str]

    @property
    def client(self) -> CollectorClient:
        return CollectorClient(self.url)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        body = json.dumps({"query": query, "timeout_s": 60}).encode()
        answer = self.client.post("/api/v1/sql", body, content_type="application/json")
        assert answer.is_ok, answer.body
        return [tuple(row) for row in answer.json()["rows"]]


def clean_environment(**more: str) -> dict[str, str]:
    """This environment without what would change where telemetry goes, our scripts first on PATH."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "QUACKTRACE_")) and name != "PYTHONPATH"
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    return {**kept, "PATH": path, "PYTHONUNBUFFERED": "1", **more}


def wait_until(condition: Callable[[], Any], *, what: str) -> Any:
    """The first true value of `condition`; fails when it takes a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    pytest.fail(f"waited in vain for {what}")


@contextmanager
def started(command: list[str], *, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """A process whose output goes to `log`; asked to stop at the end, and killed when it does not."""
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, text=True, env=environment
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def running_collector(folder: Path, *options: str) -> Iterator[RunningCollector]:
    """`quacktrace up` as a person would start it; `folder` takes its data and its output."""
    log, data_dir = folder / "collector.log", folder / "data"
    ports = () if "--port" in options else ("--port", "0", "--grpc-port", "0")
    command = [sys.executable, "-m", "quacktrace", "up", "--data", str(data_dir), *ports, "--no-browser", *options]
    with started(command, environment=clean_environment(), log=log) as process:

        def announced() -> dict[str, str]:
            assert process.poll() is None, log.read_text()
            found = dict(re.findall(r"^  (\S+(?: and SQL)?) +(\S+)$", log.read_text(), re.MULTILINE))
            return found if "data" in found else {}

        told = wait_until(announced, what="the collector's announcement")
        yield RunningCollector(told["dashboard"], told["OTLP/gRPC"], data_dir, process)
