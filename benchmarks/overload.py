"""Offers a collector several times what it can store, and looks whether it stays small, says so, and adds up.

    python benchmarks/overload.py [--times 4] [--seconds 60] [--connections 64] [--spans-per-request 500]

First 16 connections load it as fast as it goes for some seconds: that rate is its capacity. Then requests are due at so
many times the rate, whether earlier ones were answered or not, from as many connections as that takes; what is refused
is not sent again. Noted are the answers by status, whether each refusal says `Retry-After: 1`, the resident memory
meanwhile and once everything is stored, and whether received = stored + duplicate + rejected = what was acknowledged.
Prints one JSON object; exits with 1 if something is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from abusing.target import Target, parsed, target
from ingest import Body
from traffic import Model, requests

HEAD = (
    "POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\nContent-Length: {}\r\n\r\n"
)
PATIENCE_S = 120.0


@dataclass
class Offered:
    """What was sent, and what came of it."""

    requests: int = 0
    acknowledged_spans: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    retry_after: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)


def offer(port: int, bodies: list[Body], first_round: int, connections: int, rate: float, seconds: float) -> Offered:
    """Send requests at `rate` a second, or as fast as they are answered when it is 0; in a process of its own."""
    return asyncio.run(_offer(port, bodies, first_round, connections, rate, seconds))


async def _offer(
    port: int, bodies: list[Body], first_round: int, connections: int, rate: float, seconds: float
) -> Offered:
    offered = Offered()
    began = time.monotonic()

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() - began < seconds:
            number = offered.requests
            offered.requests += 1
            if rate and (early := began + number / rate - time.monotonic()) > 0:
                await asyncio.sleep(early)
            body = bodies[number % len(bodies)]
            content = body.of_round(first_round + number // len(bodies))
            sent = time.monotonic()
            writer.write(HEAD.format(len(content)).encode() + content)
            head = await reader.readuntil(b"\r\n\r\n")
            answer = parsed(head)
            await reader.readexactly(int(answer.headers.get("Content-Length", "0")))
            offered.latencies_s.append(time.monotonic() - sent)
            offered.statuses[answer.status] += 1
            if answer.status == 200:
                offered.acknowledged_spans += body.spans
            else:
                offered.retry_after[answer.headers.get("Retry-After", "")] += 1
            if answer.headers.get("Connection") == "close":
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    offered.seconds = time.monotonic() - began
    return offered


class Memory:
    """Notes the largest resident memory ten times a second."""

    def __init__(self, one: Target) -> None:
        self.largest_mb = 0.0
        self._one = one
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(0.1):
            self.largest_mb = max(self.largest_mb, self._one.resident_mb())


def settle(one: Target) -> float:
    """Wait until nothing waits, neither for a commit nor for the sealer; seconds that it took."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        metrics = one.metrics()
        if not metrics["qt_ingest_waiting_requests"] and not metrics["qt_store_unsealed_generations"]:
            return time.monotonic() - began
        time.sleep(0.1)
    raise SystemExit("the collector did not become idle")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=float, default=4.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--capacity-seconds", type=float, default=8.0)
    parser.add_argument("--connections", type=int, default=512)
    parser.add_argument("--spans-per-request", type=int, default=500)
    arguments = parser.parse_args()
    size = arguments.spans_per_request
    bodies = [Body.of(one.traces, as_json=False) for one in requests(Model(1), traces=5000, spans_per_request=size)]
    wrong: list[str] = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        target(Path(scratch, "collector"), "--max-size", "1000GB") as one,
        multiprocessing.get_context("spawn").Pool(1) as pool,
        Memory(one) as memory,
    ):
        idle_mb = one.resident_mb()
        plain = pool.apply(offer, (one.port, bodies, 0, 16, 0.0, arguments.capacity_seconds))
        capacity = plain.requests / plain.seconds
        settle(one)
        before_mb, memory.largest_mb = one.resident_mb(), 0.0
        rounds = plain.requests // len(bodies) + 1
        rate = capacity * arguments.times
        flood = pool.apply(offer, (one.port, bodies, rounds, arguments.connections, rate, arguments.seconds))
        largest_mb = memory.largest_mb
        settled_s = settle(one)
        stored_ms = one.store_one()
        time.sleep(3)
        metrics, after_mb = one.metrics(), one.resident_mb()
        rows = one.rows("select count(*) from spans")
    parts = {
        name: sum(v for key, v in metrics.items() if key.partition("{")[0] == f"qt_ingest_{name}_spans_total")
        for name in ("received", "stored", "duplicate", "rejected")
    }
    acknowledged = plain.acknowledged_spans + flood.acknowledged_spans + 1
    if parts["received"] != parts["stored"] + parts["duplicate"] + parts["rejected"]:
        wrong.append(f"does not add up: {parts}")
    if parts["stored"] < acknowledged or rows != [[int(parts["stored"])]]:
        wrong.append(f"{acknowledged} spans were acknowledged, {parts['stored']:.0f} counted, {rows} queried")
    if set(flood.statuses) - {200, 429, 503} or set(flood.retry_after) - {"1"}:
        wrong.append(f"answers: {dict(flood.statuses)}, Retry-After: {dict(flood.retry_after)}")
    latencies = sorted(flood.latencies_s)
    result = {
        "benchmark": "overload",
        "settings": vars(arguments),
        "capacity_requests_per_s": round(capacity, 1),
        "due_requests_per_s": round(rate, 1),
        "offered_requests_per_s": round(flood.requests / flood.seconds, 1),
        "statuses": dict(flood.statuses),
        "stored_spans_per_s": round(flood.acknowledged_spans / flood.seconds),
        "answer_s_p50": round(latencies[len(latencies) // 2], 2),
        "answer_s_p99": round(latencies[int(len(latencies) * 0.99)], 2),
        "rss_mb": {
            "idle": round(idle_mb),
            "before": round(before_mb),
            "largest": round(largest_mb),
            "after": round(after_mb),
        },
        "settled_s": round(settled_s, 1),
        "stored_ms_afterwards": round(stored_ms, 1),
        "spans": {name: int(value) for name, value in parts.items()},
        "acknowledged_spans": acknowledged,
        "wrong": wrong,
    }
    print(json.dumps(result, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
