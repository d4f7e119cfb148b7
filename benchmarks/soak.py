"""Runs a collector for minutes at a steady rate with little retention, and looks whether it stays small.

    python benchmarks/soak.py [--minutes 10] [--rate 1000] [--max-size 20MB]

Posts spans over HTTP at the rate, with resident memory noted after every sealing, then prints one JSON object: memory
after each sealing in MB, its growth in MB a minute after the third minute (by least squares), the size of the data
folder, the longest time a request waited, and the counters. Exits with 1 if memory grew by 1 MB a minute or more, or
the folder outgrew its limit by more than what is hot.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SPANS_PER_REQUEST = 100
HOT_BYTES = 150_000_000


def body(rng: random.Random) -> bytes:
    """A request of ten traces of ten spans, some 400 bytes each."""
    request = ExportTraceServiceRequest()
    now = time.time_ns()
    for _ in range(10):
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.add(key="service.name").value.string_value = f"service-{rng.randrange(12)}"
        spans = resource_spans.scope_spans.add().spans
        trace_id, root = rng.randbytes(16), rng.randbytes(8)
        for index in range(10):
            start = now - rng.randrange(10**9)
            span = spans.add(trace_id=trace_id, name=f"GET /resource/{index}", kind=2, start_time_unix_nano=start)
            span.span_id, span.parent_span_id = (rng.randbytes(8), root) if index else (root, b"")
            span.end_time_unix_nano = start + rng.randrange(10**9)
            for number in range(10):
                span.attributes.add(key=f"attribute.{number}").value.string_value = f"value {rng.randrange(1000)}"
    return request.SerializeToString()


def start_collector(data: Path, log: Path, max_size: str) -> tuple[subprocess.Popen[bytes], str]:
    """A collector on free ports: its process and its URL."""
    command = [sys.executable, "-m", "quacktrace", "up", "--no-browser", "--data", str(data), "--max-size", max_size]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", "0", "--grpc-port", "0"], stdout=output, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        urls = [line.split()[-1] for line in log.read_text().splitlines() if line.strip().startswith("OTLP/HTTP")]
        if urls:
            return process, urls[0]
        time.sleep(0.05)
    process.kill()
    raise SystemExit(f"the collector did not start:\n{log.read_text(errors='replace')}")


def metrics(url: str) -> dict[str, float]:
    """Counters and gauges by their names and labels."""
    with urlopen(f"{url}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=float, default=1000, help="spans a second")
    parser.add_argument("--max-size", default="20MB")
    arguments = parser.parse_args()
    rng = random.Random(1)
    samples: list[tuple[float, float]] = []
    slowest_s = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch, "data")
        process, url = start_collector(data, Path(scratch, "log"), arguments.max_size)
        try:
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
            began = time.monotonic()
            sent, seals = 0, 0.0
            while (elapsed := time.monotonic() - began) < arguments.minutes * 60:
                asked = time.monotonic()
                connection.request("POST", "/v1/traces", body(rng), {"Content-Type": "application/x-protobuf"})
                answer = connection.getresponse()
                answer.read()
                slowest_s = max(slowest_s, time.monotonic() - asked)
                sent += SPANS_PER_REQUEST if answer.status == 200 else 0
                if sent % (SPANS_PER_REQUEST * 20) == 0 and (now := metrics(url)).get("qt_seals_total", 0) > seals:
                    seals = now["qt_seals_total"]
                    samples.append((elapsed / 60, resident_mb(process.pid)))
                time.sleep(max(0.0, sent / arguments.rate - (time.monotonic() - began)))
            end = metrics(url)
            folder_bytes = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    late = np.array([sample for sample in samples if sample[0] >= min(3, arguments.minutes / 2)])
    growth = float(np.polyfit(late[:, 0], late[:, 1], 1)[0]) if len(late) > 2 else None
    received = end["qt_ingest_received_spans_total"]
    result = {
        "minutes": arguments.minutes,
        "rate": arguments.rate,
        "acknowledged_spans": sent,
        "received_spans": received,
        "adds_up": received == end["qt_ingest_stored_spans_total"] + end["qt_ingest_duplicate_spans_total"],
        "seals": seals,
        "merges": end.get("qt_merges_total", 0),
        "segments_expired": end.get("qt_segments_expired_total", 0),
        "sealed_bytes": end["qt_store_sealed_bytes"],
        "folder_bytes": folder_bytes,
        "resident_mb_after_seals": [[round(minute, 1), round(size, 1)] for minute, size in samples],
        "growth_mb_a_minute": None if growth is None else round(growth, 3),
        "slowest_request_s": round(slowest_s, 3),
    }
    print(json.dumps(result))
    sound = (
        result["adds_up"] and (growth is None or growth < 1) and folder_bytes < end["qt_store_sealed_bytes"] + HOT_BYTES
    )
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
