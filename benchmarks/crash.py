"""Kills a collector under load again and again, and counts what it had acknowledged.

    python benchmarks/crash.py --rounds 50 [--seconds 4] [--sealing-share 0.5] [--data DIR]

A share of the kills waits until a generation is being sealed, and falls into that. With --power-cut (root, ext4) the
data folder lies on a disk image whose file system is shut down at the kill: whatever was not fsynced is gone.
Real clients post OTLP over HTTP from several threads; a request that was not answered is sent again to the next
collector, as an SDK would. After the last round every acknowledged span must be there, once, and no request may be half
stored. Prints one JSON object; exits with 1 if a span is lost or doubled.
"""

from __future__ import annotations

import argparse
import fcntl
import http.client
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SPANS_PER_REQUEST = 50
SEALING_PATIENCE_S = 30.0
EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH = 0x8004587D, 2


@dataclass
class Client:
    """One keep-alive connection's worth of load; a trace is a request, its number is unique."""

    index: int
    acknowledged: list[int] = field(default_factory=list)
    unanswered: int | None = None
    sequence: int = 0

    def run(self, port: int, stop: threading.Event) -> None:
        """Post until told to stop or until the collector is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while not stop.is_set():
            number = self.unanswered if self.unanswered is not None else self._next()
            self.unanswered = number
            try:
                connection.request("POST", "/v1/traces", body(number), {"Content-Type": "application/x-protobuf"})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                return
            if answer.status == 200:
                self.acknowledged.append(number)
                self.unanswered = None

    def _next(self) -> int:
        self.sequence += 1
        return (self.index << 40) + self.sequence


class Disk:
    """An ext4 file system of its own in a file, mounted; needs root."""

    def __init__(self, scratch: Path) -> None:
        self._image, self.folder = scratch / "disk.img", scratch / "disk"
        with self._image.open("wb") as file:
            file.truncate(2 << 30)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(self._image)], check=True)
        self.folder.mkdir()
        self._mount()

    def cut_power(self) -> None:
        """From now on nothing reaches the disk, not even the file system's journal."""
        fd = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH))
        finally:
            os.close(fd)

    def mount_again(self) -> None:
        """As after a boot."""
        self.unmount()
        self._mount()

    def unmount(self) -> None:
        """The processes that use it have ended, or do so soon."""
        deadline = time.monotonic() + 30
        while subprocess.run(["umount", str(self.folder)], capture_output=True).returncode:
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.folder} cannot be unmounted")
            time.sleep(0.1)

    def _mount(self) -> None:
        subprocess.run(["mount", "-o", "loop", str(self._image), str(self.folder)], check=True)


def body(number: int) -> bytes:
    """A request of one trace; the same number gives the same bytes."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    attribute = resource_spans.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", f"crash-{number % 7}"
    spans = resource_spans.scope_spans.add().spans
    start = 1_700_000_000_000_000_000 + number
    for index in range(1, SPANS_PER_REQUEST + 1):
        span = spans.add(name="work", kind=1, start_time_unix_nano=start, end_time_unix_nano=start + 1000)
        span.trace_id = (number + 1).to_bytes(16, "big")
        span.span_id = ((number << 8) + index).to_bytes(8, "big")
    return request.SerializeToString()


def start_collector(data: Path, log: Path) -> tuple[subprocess.Popen[bytes], int, float]:
    """A collector on free ports: its process, its HTTP port, seconds until it was ready."""
    began = time.monotonic()
    command = [sys.executable, "-m", "quacktrace", "up", "--no-browser", "--data", str(data)]
    output = log.open("wb")
    process = subprocess.Popen([*command, "--port", "0", "--grpc-port", "0"], stdout=output, stderr=subprocess.STDOUT)
    while time.monotonic() - began < 30:
        lines = log.read_text(errors="replace").splitlines()
        ports = [line.rsplit(":", 1)[1] for line in lines if line.strip().startswith("OTLP/HTTP")]
        if ports:
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/readyz", timeout=10) as answer:
                answer.read()
            return process, int(ports[0]), time.monotonic() - began
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise SystemExit(f"the collector did not start:\n{log.read_text(errors='replace')}")


def wait_for_sealing(sealed: Path, rng: random.Random) -> None:
    """Until a segment is being written, and some more; gives up when nothing is sealed for a while."""
    deadline = time.monotonic() + SEALING_PATIENCE_S
    while not any(sealed.glob(".tmp-*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.3))


def query(port: int, sql: str) -> list[list[object]]:
    """Rows of a query through the API."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/sql", json.dumps({"query": sql, "timeout_s": 60}).encode()
    )
    with urllib.request.urlopen(request, timeout=90) as answer:
        rows: list[list[object]] = json.load(answer)["rows"]
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=4.0, help="longest life of a collector under load")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--power-cut", action="store_true", help="lose what was not fsynced, too")
    parser.add_argument("--sealing-share", type=float, default=0.5, help="share of kills that wait for a sealing")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=None)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as scratch:
        disk = Disk(Path(scratch)) if arguments.power_cut else None
        data = disk.folder / "data" if disk else arguments.data or Path(scratch) / "data"
        log = Path(scratch) / "collector.log"
        clients = [Client(index) for index in range(1, arguments.clients + 1)]
        ready: list[float] = []
        sealing_at_kill = 0
        for _ in range(arguments.rounds):
            process, port, seconds = start_collector(data, log)
            ready.append(seconds)
            stop = threading.Event()
            threads = [threading.Thread(target=client.run, args=(port, stop)) for client in clients]
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0.3, arguments.seconds))
            if rng.random() < arguments.sealing_share:
                wait_for_sealing(data / "sealed", rng)
            sealing_at_kill += any((data / "sealed").glob(".tmp-*"))
            if disk:
                disk.cut_power()
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            if disk:
                disk.mount_again()
            stop.set()
            for thread in threads:
                thread.join()
        process, port, seconds = start_collector(data, log)
        ready.append(seconds)
        stored, distinct = (
            int(str(value))
            for value in query(port, "select count(*), count(distinct (trace_id, span_id)) from spans")[0]
        )
        counts = query(
            port,
            f"select count(*) from (select trace_id from spans group by all having count(*) <> {SPANS_PER_REQUEST})",
        )
        process.send_signal(signal.SIGTERM)
        process.wait()
        if disk:
            disk.unmount()
    acknowledged = sum(len(client.acknowledged) for client in clients) * SPANS_PER_REQUEST
    in_flight = sum(client.unanswered is not None for client in clients) * SPANS_PER_REQUEST
    result = {
        "rounds": arguments.rounds,
        "power_cut": arguments.power_cut,
        "acknowledged_spans": acknowledged,
        "stored_spans": stored,
        "lost_spans": max(0, acknowledged - stored),
        "doubled_spans": stored - distinct,
        "half_stored_requests": int(str(counts[0][0])),
        "unanswered_spans": in_flight,
        "kills_while_sealing": sealing_at_kill,
        "ready_s_max": round(max(ready), 2),
    }
    print(json.dumps(result))
    sound = (
        acknowledged <= stored <= acknowledged + in_flight and stored == distinct and not result["half_stored_requests"]
    )
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
