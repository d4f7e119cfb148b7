"""The answers about the time before are asked for once a minute."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from quacktrace_dashboard.baseline import Baseline
from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.recent_answers import RecentAnswers

MINUTE = 60_000


@pytest.fixture
def asked() -> Iterator[tuple[QueryClient, list[str]]]:
    """A client of a small server, and the paths that it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            body = json.dumps({"number": len(paths)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield QueryClient(f"http://127.0.0.1:{server.server_port}"), paths
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_range_that_moves_along_is_answered_once(asked: tuple[QueryClient, list[str]]) -> None:
    client, paths = asked
    baseline = Baseline(client)
    for moved_ms in (0, 2000, 30_000, 59_000):
        answer = baseline.get("/api/v1/services", from_ms=100 * MINUTE + moved_ms, to_ms=160 * MINUTE + moved_ms)
        assert answer["number"] == 1
    assert paths == [f"/api/v1/services?from={100 * MINUTE}&to={160 * MINUTE}"]


def test_another_length_time_or_parameter_is_another_question(asked: tuple[QueryClient, list[str]]) -> None:
    client, paths = asked
    baseline = Baseline(client)
    baseline.get("/api/v1/services", from_ms=100 * MINUTE, to_ms=160 * MINUTE)
    baseline.get("/api/v1/services", from_ms=145 * MINUTE, to_ms=160 * MINUTE)
    baseline.get("/api/v1/services", from_ms=500 * MINUTE, to_ms=560 * MINUTE)
    baseline.get("/api/v1/hotspots", from_ms=500 * MINUTE, to_ms=560 * MINUTE, buckets=1)
    assert len(paths) == 4


def test_a_range_shorter_than_a_minute_is_asked_as_it_is(asked: tuple[QueryClient, list[str]]) -> None:
    client, paths = asked
    Baseline(client).get("/api/v1/services", from_ms=1000, to_ms=9000)
    assert paths == ["/api/v1/services?from=1000&to=9000"]


def test_a_costly_answer_about_a_moving_range_is_used_for_a_while(asked: tuple[QueryClient, list[str]]) -> None:
    client, paths = asked
    recent = RecentAnswers(client)

    def ask(to_ms: int, *, is_moving: bool = True, service: str | None = None) -> int:
        answer = recent.get("/counts", to_ms - MINUTE, to_ms, is_moving, {"service": service})
        return int(answer["number"])

    assert ask(5 * MINUTE) == 1
    answers = {ask(5 * MINUTE + step) for step in range(20)}
    assert len(answers) < 20  # how many exactly is a matter of the machine
    asked_already = len(paths)
    assert ask(5 * MINUTE, service="cart") == asked_already + 1
    assert ask(5 * MINUTE, is_moving=False) == asked_already + 2
    assert ask(5 * MINUTE, is_moving=False) == asked_already + 3
