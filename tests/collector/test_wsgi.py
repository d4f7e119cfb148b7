"""The WSGI bridge, asked over real sockets and held to the WSGI specification by wsgiref's validator."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.validate import validator

import pytest
from aiohttp import ClientSession, web

from quacktrace_collector.wsgi import mount_wsgi

Application = Callable[[WSGIEnvironment, StartResponse], list[bytes]]


@asynccontextmanager
async def serving(
    application: Any, *, host: str = "127.0.0.1", **options: Any
) -> AsyncIterator[tuple[str, ClientSession]]:
    """The application behind the bridge on a free port, and a client that decompresses nothing."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", mount_wsgi(application, **options))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    address = runner.addresses[0]
    name = f"[{address[0]}]" if ":" in address[0] else address[0]
    async with ClientSession(auto_decompress=False) as session:
        yield f"http://{name}:{address[1]}", session
    await runner.cleanup()


class Recorder:
    """A WSGI application that keeps what it was asked and answers what it was told to."""

    def __init__(
        self, body: bytes = b"hello", *, status: str = "200 OK", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.environ: WSGIEnvironment = {}
        self.received = b""
        self.thread = ""
        self.body, self.status = body, status
        self.headers = [("Content-Type", "text/plain"), *headers]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        self.environ = dict(environ)
        self.received = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        self.thread = threading.current_thread().name
        start_response(self.status, self.headers)
        return [self.body]


async def test_the_bridge_keeps_the_letter_of_wsgi() -> None:
    recorder = Recorder()
    async with (
        serving(validator(recorder)) as (url, session),
        session.post(f"{url}/a/b?x=1&y=%20", data=b"payload", headers={"Content-Type": "text/x"}) as answer,
    ):
        assert answer.status == 200
        assert await answer.read() == b"hello"
    environ = recorder.environ
    assert recorder.received == b"payload"
    assert (environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ("POST", "/a/b", "x=1&y=%20")
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/x", "7")
    assert environ["wsgi.url_scheme"] == "http"


async def test_the_application_runs_in_a_thread_of_its_own_pool() -> None:
    recorder = Recorder()
    async with serving(recorder, threads=1) as (url, session), session.get(url):
        assert recorder.thread.startswith("dashboard")


async def test_a_slow_page_does_not_hold_the_event_loop() -> None:
    release, entered = threading.Event(), threading.Event()

    def slow(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        if environ["PATH_INFO"] == "/slow":
            entered.set()
            release.wait(30)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["PATH_INFO"].encode()]

    async with serving(slow) as (url, session):
        waiting = asyncio.create_task(session.get(f"{url}/slow"))
        await asyncio.to_thread(entered.wait, 30)
        async with session.get(f"{url}/fast") as answer:
            assert await answer.read() == b"/fast"
        assert not waiting.done()
        release.set()
        (await waiting).close()


async def test_a_path_arrives_as_its_bytes_read_as_latin_1() -> None:
    recorder = Recorder()
    async with serving(validator(recorder)) as (url, session), session.get(f"{url}/caf%C3%A9/%FF%2F"):
        pass
    assert recorder.environ["PATH_INFO"].encode("latin-1") == b"/caf\xc3\xa9/\xff/"


async def test_repeated_headers_of_a_request_are_joined() -> None:
    recorder = Recorder()
    headers = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "2.2.2.2"), ("Cookie", "a=1"), ("Cookie", "b=2")]
    async with serving(validator(recorder)) as (url, session), session.get(url, headers=headers):
        pass
    assert recorder.environ["HTTP_X_FORWARDED_FOR"] == "1.1.1.1, 2.2.2.2"
    assert recorder.environ["HTTP_COOKIE"] == "a=1; b=2"


async def test_headers_that_pose_as_others_are_dropped() -> None:
    recorder = Recorder()
    headers = {"X_Forwarded_For": "6.6.6.6", "Proxy": "http://evil.example"}
    async with serving(validator(recorder)) as (url, session), session.get(url, headers=headers):
        pass
    assert "HTTP_X_FORWARDED_FOR" not in recorder.environ
    assert "HTTP_PROXY" not in recorder.environ


async def test_repeated_headers_of_an_answer_stay_apart() -> None:
    recorder = Recorder(headers=(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Name", "caf\xe9")))
    async with serving(recorder) as (url, session), session.get(url) as answer:
        assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert answer.headers.getall("Content-Type") == ["text/plain"]


async def test_an_ipv6_address_is_a_server_name_in_brackets() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    recorder = Recorder()
    async with serving(validator(recorder), host="::1") as (url, session), session.get(url):
        pass
    assert recorder.environ["SERVER_NAME"] == "[::1]"
    assert recorder.environ["HTTP_HOST"] == url.removeprefix("http://")
    assert recorder.environ["SERVER_PORT"] == url.rpartition(":")[2]


async def test_the_server_name_is_ours_whatever_the_host_header_says() -> None:
    recorder = Recorder()
    async with serving(recorder) as (url, session), session.get(url, headers={"Host": "evil.example:1"}):
        pass
    assert recorder.environ["SERVER_NAME"] == "127.0.0.1"
    assert recorder.environ["HTTP_HOST"] == "evil.example:1"


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(*, is_chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"0123456789"

    recorder = Recorder()
    async with serving(recorder, max_body_size_bytes=100) as (url, session):
        data = chunks() if is_chunked else b"x" * 110
        async with session.post(url, data=data) as answer:
            assert answer.status == 413
        async with session.post(url, data=b"x" * 100) as answer:
            assert answer.status == 200
    assert recorder.received == b"x" * 100


async def test_text_is_compressed_for_clients_that_accept_it() -> None:
    recorder = Recorder(b"quack " * 1000)
    async with serving(validator(recorder)) as (url, session):
        async with session.get(url, headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert "Accept-Encoding" in answer.headers["Vary"]
            assert len(await answer.read()) < 500
        async with session.get(url, headers={"Accept-Encoding": "identity"}) as answer:
            assert "Content-Encoding" not in answer.headers
            assert await answer.read() == recorder.body


async def test_what_is_compressed_already_stays_as_it_is() -> None:
    recorder = Recorder(b"\x1f\x8b" + b"0" * 4000, headers=(("Content-Encoding", "gzip"),))
    async with serving(recorder) as (url, session), session.get(url, headers={"Accept-Encoding": "gzip"}) as answer:
        assert await answer.read() == recorder.body


async def test_an_answer_to_head_keeps_its_length_and_has_no_body() -> None:
    recorder = Recorder(b"", headers=(("Content-Length", "1234"),))
    async with serving(recorder) as (url, session), session.head(url) as answer:
        assert answer.headers["Content-Length"] == "1234"
        assert await answer.read() == b""


async def test_not_modified_has_no_body() -> None:
    recorder = Recorder(b"", status="304 NOT MODIFIED", headers=(("ETag", '"1"'),))
    async with serving(recorder) as (url, session), session.get(url) as answer:
        assert (answer.status, answer.headers["ETag"]) == (304, '"1"')
        assert await answer.read() == b""


async def test_an_iterable_is_closed_and_written_chunks_come_first() -> None:
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"second"

        def close(self) -> None:
            closed.append(True)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Body:
        start_response("200 OK", [("Content-Type", "text/plain")])(b"first ")
        return Body()

    async with serving(application) as (url, session), session.get(url) as answer:
        assert await answer.read() == b"first second"
    assert closed == [True]


async def test_a_generator_may_start_its_response_late() -> None:
    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("201 Made", [("Content-Type", "text/plain")])
        yield b"late"

    async with serving(validator(application)) as (url, session), session.get(url) as answer:
        assert (answer.status, answer.reason, await answer.read()) == (201, "Made", b"late")
