"""Abuse that is more than one request: broken conversations, retries, other ways to start."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from abusing.target import PATIENCE_S, PROTOBUF, Target, parsed, target

HEAD = "POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\n"
COUNT = "select count(*), count(distinct (trace_id, span_id)) from spans"


class NotHereError(Exception):
    """The machine has not what the action needs."""


def request(
    trace: int, spans: int = 10, *, service: str = "abuse", name: str = "op", repeat: Callable[..., None] | None = None
) -> bytes:
    """A request of one trace; the same number gives the same bytes. `repeat` may add to the first span."""
    message = ExportTraceServiceRequest()
    resource_spans = message.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = service
    of_scope = resource_spans.scope_spans.add().spans
    began = 1_795_000_000_000_000_000 + trace
    for index in range(1, spans + 1):
        span = of_scope.add(name=name, kind=1, start_time_unix_nano=began, end_time_unix_nano=began + 1000)
        span.trace_id, span.span_id = (trace + 1).to_bytes(16, "big"), (trace << 12 | index).to_bytes(8, "big")
    if repeat is not None:
        repeat(of_scope[0])
    body: bytes = message.SerializeToString()
    return body


def stored_rows(one: Target, trace: int) -> int:
    """Rows of the trace, doubles included."""
    return int(str(one.rows(f"select count(*) from spans where trace_id = '{trace + 1:032x}'")[0][0]))


def new_trace() -> int:
    return random.getrandbits(44)


def tiny_chunks(one: Target) -> str:
    head = (HEAD + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n").encode()
    return str(parsed(one.raw(head, b"1\r\nx\r\n" * 1_000_000 + b"0\r\n\r\n")).status)


def slow_body(one: Target) -> str:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", one.port), timeout=1) as connection:
        connection.sendall((HEAD + "Content-Length: 1000000\r\n\r\n").encode())
        answer = b""
        while time.monotonic() - began < 15:
            try:
                connection.sendall(b"x")
                chunk = connection.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                break
            answer += chunk
            if not chunk:
                return str(parsed(answer).status)
    raise AssertionError(f"still open after 15 s, or reset: {answer!r}")


def half_body(one: Target) -> str:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", one.port)) as connection:
            connection.sendall((HEAD + "Content-Length: 100000\r\n\r\n").encode() + b"x" * 50_000)
    await_that(lambda: one.metrics().get("qt_ingest_aborted_total", 0) > 0, "an aborted request to be counted")
    return "-"


def no_read(one: Target) -> str:
    trace = new_trace()
    body = request(trace)
    with socket.create_connection(("127.0.0.1", one.port)) as connection:
        connection.sendall((HEAD + f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
    await_that(lambda: stored_rows(one, trace) == 10, "the spans of a client that left")
    assert one.post(body, PROTOBUF).status == 200
    assert stored_rows(one, trace) == 10
    return "-"


def cl_te(one: Target) -> str:
    framing = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    return str(parsed(one.raw((HEAD + framing).encode() + b"0\r\n\r\n")).status)


def pipeline(one: Target) -> str:
    body = request(new_trace())
    bad = (HEAD + "Content-Length: nonsense\r\n\r\n").encode()
    good = (HEAD + f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    answer = one.raw(bad + good)
    assert answer.count(b"HTTP/1.") == 1, answer
    return str(parsed(answer).status)


def resend5(one: Target) -> str:
    trace = new_trace()
    statuses = {one.post(request(trace), PROTOBUF).status for _ in range(5)}
    assert stored_rows(one, trace) == 10
    return "|".join(map(str, statuses))


def conflict(one: Target) -> str:
    trace, before = new_trace(), one.metrics()["qt_ingest_conflicting_spans_total"]
    assert one.post(request(trace), PROTOBUF).status == 200
    answer = one.post(request(trace, name="another"), PROTOBUF)
    assert one.rows(f"select distinct name from spans where trace_id = '{trace + 1:032x}'") == [["op"]]
    assert one.metrics()["qt_ingest_conflicting_spans_total"] == before + 10
    return str(answer.status)


def many_services(one: Target) -> str:
    for start_at in range(0, 10_000, 1000):
        message = ExportTraceServiceRequest()
        for number in range(start_at, start_at + 1000):
            message.MergeFromString(request(new_trace(), 1, service=f"many-{number}"))
        answer = one.post(message.SerializeToString(), PROTOBUF)
        assert answer.status == 200, answer
    for path in ("/api/v1/services", "/api/v1/graph", "/"):
        assert one.get(path).status == 200
    return "200"


def many_events(one: Target) -> str:
    def fill(span: Any) -> None:
        for number in range(10_000):
            span.events.add(name=f"event {number}", time_unix_nano=1)
            span.links.add(trace_id=b"l" * 16, span_id=b"l" * 8)

    trace = new_trace()
    answer = one.post(request(trace, 1, repeat=fill), PROTOBUF)
    columns = "len(events), len(links), dropped_events_count, dropped_links_count"
    rows = one.rows(f"select {columns} from spans where trace_id = '{trace + 1:032x}'")
    assert rows == [[128, 128, 9872, 9872]], rows
    return str(answer.status)


def dup_keys(one: Target) -> str:
    def fill(span: Any) -> None:
        for value in ("first", "second", "last"):
            span.attributes.add(key="k").value.string_value = value

    trace = new_trace()
    answer = one.post(request(trace, 1, repeat=fill), PROTOBUF)
    rows = one.rows(f"select attributes['k'], cardinality(attributes) from spans where trace_id = '{trace + 1:032x}'")
    assert rows == [["last", 1]], rows
    return str(answer.status)


def like(one: Target) -> str:
    for name in ("100%_sure", "100 is sure"):
        assert one.post(request(new_trace(), 1, service="like", name=name), PROTOBUF).status == 200
    answer = one.get("/api/v1/traces?service=like&q=name%20~%20%22100%25_%22&from=0&to=4000000000000")
    if answer.status == 200:
        assert b"100 is sure" not in answer.body
    return str(answer.status) if answer.status >= 500 else "-"


def regex(one: Target) -> str:
    answer = one.get(
        "/api/v1/sql",
        body={"query": "select count(*) from range(1000000) t(i) where regexp_matches(repeat('a', 30) || i, '(a+)+$')"},
    )
    return "-" if answer.status < 500 else str(answer.status)


def host(one: Target) -> str:
    return str(one.post(b"", {**PROTOBUF, "Host": "evil.example"}, "/", method="GET").status)


def preflight(one: Target) -> str:
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = one.post(b"", {**asks, "Access-Control-Request-Headers": "content-type"}, method="OPTIONS")
    assert "Access-Control-Allow-Origin" not in answer.headers
    return str(answer.status)


def frame(one: Target) -> str:
    answer = one.get("/")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    return "-"


def token_query(_one: Target) -> str:
    with _another("--read-token", "read-me", "--write-token", "write-me") as guarded:
        statuses = {
            guarded.get("/api/v1/services?token=read-me").status,
            guarded.get("/api/v1/services?access_token=read-me").status,
            guarded.post(b"", PROTOBUF, "/v1/traces?token=write-me").status,
        }
        assert b"-me" not in guarded.log.read_bytes()
    return "|".join(map(str, statuses))


def bind_public(_one: Target) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "quacktrace", "up", "--no-browser", "--data", scratch, "--host", "0.0.0.0"]
        ended = subprocess.run([*command, "--port", "0", "--grpc-port", "0"], capture_output=True, timeout=PATIENCE_S)
    assert ended.returncode == 2, ended
    assert b"Traceback" not in ended.stderr
    return "-"


def tls(_one: Target) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        cert, key = Path(scratch, "cert.pem"), Path(scratch, "key.pem")
        made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        made += ["-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        try:
            subprocess.run([*made, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
        except FileNotFoundError as error:
            raise NotHereError("no openssl") from error
        with _another("--tls-cert", str(cert), "--tls-key", str(key)) as guarded:
            for said in (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", os.urandom(300), b"\x16\x03\x01\x00\x05abc"):
                guarded.raw(said, half_close=True, seconds=5)
            trusting = ssl.create_default_context(cafile=str(cert))
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
            old.set_ciphers("ALL:@SECLEVEL=0")
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            try:
                with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", guarded.port, context=old)) as client:
                    client.request("GET", "/healthz")
            except (ssl.SSLError, ConnectionError):
                pass
            else:
                raise AssertionError("TLS 1.1 is spoken")
            client = http.client.HTTPSConnection("127.0.0.1", guarded.port, context=trusting)
            client.request("POST", "/v1/traces", request(1), PROTOBUF)
            assert client.getresponse().status == 200
            client.close()
            log = guarded.log.read_text()
            assert "Traceback" not in log, log
    return "-"


def dash_forged(one: Target) -> str:
    worst = 0
    documents: list[object] = [
        {"output": "nothing.children", "outputs": {"id": "nothing", "property": "children"}, "inputs": []},
        {"output": "..a.b...c.d..", "outputs": [], "inputs": [], "changedPropIds": []},
        {"output": 5, "outputs": 5, "inputs": 5, "state": 5, "changedPropIds": 5},
        {"output": {"a": []}, "inputs": [{"id": {"type": [1, {}]}, "property": None, "value": {}}]},
        {},
        [],
        None,
        5,
        "text",
    ]
    dependencies = json.loads(one.get("/_dash-dependencies").body)
    for dependency in dependencies:
        inputs = [
            {"id": put["id"], "property": put["property"], "value": {"x": [None]}} for put in dependency["inputs"]
        ]
        states = [{"id": put["id"], "property": put["property"], "value": 5} for put in dependency["state"]]
        known = {"output": dependency["output"], "inputs": inputs, "state": states}
        outputs = _outputs(dependency["output"])
        documents += [known, {**known, "outputs": outputs}, {**known, "outputs": outputs, "inputs": []}]
        documents += [
            {**known, "outputs": outputs, "changedPropIds": [f"{put['id']}.{put['property']}"]} for put in inputs
        ]
    for document in documents:
        answer = one.post(
            json.dumps(document).encode(), {"Content-Type": "application/json"}, "/_dash-update-component"
        )
        assert b"Traceback" not in answer.body, document
        assert answer.status < 500, f"{document}: {answer.status} {answer.body[:300]!r}"
        worst = max(worst, answer.status)
    for body in (b"", b"{", b"\xff", b"[" * 5000):
        answer = one.post(body, {"Content-Type": "application/json"}, "/_dash-update-component")
        assert 400 <= answer.status < 500, (body[:9], answer.status)
    return str(worst)


def _outputs(output: str) -> object:
    def one(part: str) -> dict[str, str]:
        id_, _, name = part.rpartition(".")
        return {"id": id_, "property": name.partition("@")[0]}

    return [one(part) for part in output[2:-2].split("...")] if output.startswith("..") else one(output)


@contextlib.contextmanager
def _another(*options: str) -> Iterator[Target]:
    with tempfile.TemporaryDirectory() as scratch, target(Path(scratch, "collector"), *options) as one:
        yield one


def await_that(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
