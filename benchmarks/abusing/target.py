"""A running collector to be abused: its process, its ports, and what it costs."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PATIENCE_S = 60.0
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 when nothing did."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Target:
    """A collector process."""

    process: subprocess.Popen[bytes]
    port: int
    grpc_port: int
    data: Path
    log: Path

    def post(
        self, body: bytes, headers: Mapping[str, str], path: str = "/v1/traces", *, method: str = "POST"
    ) -> Answer:
        """One request on a connection of its own; the answer is read even if it comes before the body was sent."""
        lines = [f"{method} {path} HTTP/1.1", f"Content-Length: {len(body)}", "Connection: close"]
        if not any(name.lower() == "host" for name in headers):
            lines.append(f"Host: 127.0.0.1:{self.port}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return parsed(self.raw(b"\r\n".join(line.encode("latin-1") for line in lines) + b"\r\n\r\n", body))

    def raw(self, *pieces: bytes, half_close: bool = False, seconds: float = PATIENCE_S) -> bytes:
        """Everything the collector says to these bytes until it closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as connection:
            connection.setblocking(False)
            received, deadline = bytearray(), time.monotonic() + seconds
            left = [memoryview(piece) for piece in pieces if piece]
            while time.monotonic() < deadline:
                readable, writable, _ = select.select([connection], [connection] if left else [], [], 0.5)
                with contextlib.suppress(BlockingIOError):
                    if writable and left:
                        try:
                            left[0] = left[0][connection.send(left[0][: 1 << 20]) :]
                        except (BrokenPipeError, ConnectionResetError):
                            left.clear()
                        if left and not left[0]:
                            left.pop(0)
                        if not left and half_close:
                            connection.shutdown(socket.SHUT_WR)
                    if readable:
                        try:
                            chunk = connection.recv(1 << 16)
                        except ConnectionResetError:
                            return bytes(received)
                        if not chunk:
                            return bytes(received)
                        received += chunk
            return bytes(received)

    def get(self, path: str, *, body: object = None) -> Answer:
        """As a page would ask."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code, dict(refusal.headers), refusal.read())

    def rows(self, sql: str) -> list[list[object]]:
        """Of a query through the API."""
        answer = self.get("/api/v1/sql", body={"query": sql, "timeout_s": 60})
        rows: list[list[object]] = json.loads(answer.body)["rows"]
        return rows

    def metrics(self) -> dict[str, float]:
        """Counters and gauges by name and labels."""
        lines = self.get("/metrics").body.decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    def store_one(self) -> float:
        """Milliseconds until a valid span is on disk."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        began = time.perf_counter()
        connection.request("POST", "/v1/traces", one_span(), PROTOBUF)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200:
            raise AssertionError(f"a valid span is answered with {answer.status}")
        return (time.perf_counter() - began) * 1000

    def resident_mb(self) -> float:
        """Of the collector's own process."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def peak_mb(self) -> float:
        """Since `forget_peak`."""
        return int(Path(f"/proc/{self.process.pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1000

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def cpu_ms(self) -> float:
        """Of the collector's own process so far."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


@contextlib.contextmanager
def target(folder: Path, *options: str) -> Iterator[Target]:
    """A collector on free ports; its data and output go into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    started = start(folder, *options)
    try:
        yield started
    finally:
        stop(started)


def start(folder: Path, *options: str) -> Target:
    """A collector that is ready."""
    data, log = folder / "data", folder.with_name(f"{folder.name}.log")
    command = [sys.executable, "-m", "quacktrace", "up", "--no-browser", "--data", str(data), "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "--grpc-port", "0", *options], stdout=output, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        ports = dict(re.findall(r"OTLP/(HTTP|gRPC)\s+\S*?:(\d+)(?:/|\s)", log.read_text(errors="replace")))
        if len(ports) == 2:
            return Target(process, int(ports["HTTP"]), int(ports["gRPC"]), data, log)
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise SystemExit(f"the collector did not start:\n{log.read_text(errors='replace')}")


def stop(started: Target) -> None:
    """End it if it has not ended."""
    if started.process.poll() is None:
        started.process.send_signal(signal.SIGTERM)
        try:
            started.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            started.process.kill()
            started.process.wait()


class Heartbeat:
    """Asks for `/healthz` all the time, and knows the longest wait: how long the event loop was blocked."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._longest_ms = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._beat)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def longest_ms(self) -> float:
        """Since the last call."""
        longest, self._longest_ms = self._longest_ms, 0.0
        return longest

    def _beat(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        while not self._stopping.wait(0.005):
            began = time.perf_counter()
            try:
                connection.request("GET", "/healthz")
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                connection.close()
                continue
            self._longest_ms = max(self._longest_ms, (time.perf_counter() - began) * 1000)
        connection.close()


def one_span() -> bytes:
    """A request of one valid span."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "probe"
    now = time.time_ns()
    span = resource_spans.scope_spans.add().spans.add(name="probe", kind=2, start_time_unix_nano=now - 1000)
    span.trace_id, span.span_id, span.end_time_unix_nano = os.urandom(16), os.urandom(8), now
    body: bytes = request.SerializeToString()
    return body


def parsed(answer: bytes) -> Answer:
    """The first final response in it."""
    while answer.startswith(b"HTTP/1.1 100"):
        answer = answer.partition(b"\r\n\r\n")[2]
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/"):
        return Answer(0)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    return Answer(int(first.split()[1]), headers, body)
