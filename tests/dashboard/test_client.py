"""The client tells apart what the collector says, what is not the collector, and nobody at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.errors import CollectorUnreachableError, QueryError


class Answers:
    """A real HTTP server on a free port that says what a test wants it to say."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b"{}"
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answers.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(answers.status)
                self.send_header("Content-Length", str(len(answers.body)))
                self.end_headers()
                self.wfile.write(answers.body)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Tests read assertions, not access logs."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def answers() -> Iterator[Answers]:
    answers = Answers()
    thread = threading.Thread(target=answers.server.serve_forever)
    thread.start()
    yield answers
    answers.server.shutdown()
    answers.server.server_close()
    thread.join()


def test_parameters_that_say_nothing_are_left_out(answers: Answers) -> None:
    QueryClient(answers.url).get("/api/v1/traces", {"service": "a b&c", "status": None, "q": "", "limit": 5})
    assert answers.asked[0][0] == "/api/v1/traces?service=a+b%26c&limit=5"


def test_a_body_is_sent_as_json(answers: Answers) -> None:
    QueryClient(answers.url).post("/api/v1/sql", {"query": "select 1"})
    assert json.loads(answers.asked[0][2]) == {"query": "select 1"}


def test_whoever_asks_is_passed_on(answers: Answers) -> None:
    QueryClient(answers.url, request_headers=lambda: {"Cookie": "session=1"}).get("/x")
    assert answers.asked[0][1]["cookie"] == "session=1"


def test_an_error_is_told_in_the_collectors_words(answers: Answers) -> None:
    answers.status = 400
    answers.body = json.dumps({"error": {"code": "bad_query", "message": "No.", "hint": "Yes."}}).encode()
    with pytest.raises(QueryError) as caught:
        QueryClient(answers.url).get("/x")
    error = caught.value
    assert (error.code, error.message, error.hint, error.status) == ("bad_query", "No.", "Yes.", 400)


@pytest.mark.parametrize("body", [b"", b"<h1>Bad gateway</h1>", b"[]", b'{"error": "text"}', b'{"error": {}}'])
def test_an_error_that_is_not_the_collectors_is_told_by_its_status(answers: Answers, body: bytes) -> None:
    answers.status, answers.body = 502, body
    with pytest.raises(QueryError, match="HTTP status 502"):
        QueryClient(answers.url).get("/x")


@pytest.mark.parametrize("body", [b"not json", b"[1]", b"\xff\xfe"])
def test_something_else_on_the_port_is_said_to_be_that(answers: Answers, body: bytes) -> None:
    answers.body = body
    with pytest.raises(CollectorUnreachableError):
        QueryClient(answers.url).get("/x")


def test_nobody_on_the_port_names_the_address_and_the_next_step() -> None:
    with pytest.raises(CollectorUnreachableError, match=r"127\.0\.0\.1:9") as caught:
        QueryClient("http://127.0.0.1:9").get("/x")
    assert "quacktrace up" in caught.value.hint


def test_a_proxy_in_the_environment_is_not_asked(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert QueryClient(answers.url).get("/x") == {}


def test_known_services_are_asked_for_once_in_a_while(answers: Answers) -> None:
    answers.body = json.dumps({"services": [{"service_name": "cart"}]}).encode()
    client = QueryClient(answers.url)
    assert [client.known_services(), client.known_services()] == [("cart",), ("cart",)]
    assert len(answers.asked) == 1


def test_known_services_are_none_while_nobody_answers() -> None:
    assert QueryClient("http://127.0.0.1:9").known_services() == ()
