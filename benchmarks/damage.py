"""Damages stored files one at a time, and looks whether the collector comes up, serves the rest and says so.

    python benchmarks/damage.py --rounds 200 [--live-rounds 50] [--seed 1]

Each round copies a data folder of five segments and two hot generations, truncates one file or flips one of its bits,
starts a real collector on it and asks for every kind of page, and SQL. A live round damages a sealed file while it
runs. It must come up, answer no request with 5xx, and have either all rows or something in quarantine and a header that
says so. Prints one JSON object; exits with 1 if a round went wrong.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace_collector.decode import decode_logs, decode_spans
from quacktrace_collector.store import Store

TRACES, SPANS_PER_TRACE = 70, 60
SPANS = TRACES * SPANS_PER_TRACE
PATIENCE_S = 60.0
COUNT = "select count(*), count(distinct (trace_id, span_id)), sum(duration_ns) from spans"


@dataclass
class Findings:
    """What went wrong, and what was counted."""

    wrong: list[str] = field(default_factory=list)
    counted: collections.Counter[str] = field(default_factory=collections.Counter)
    ready_s: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Collector:
    """A running collector."""

    process: subprocess.Popen[bytes]
    url: str

    def get(self, path: str, body: object = None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, data), timeout=PATIENCE_S) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, dict(refusal.headers), refusal.read()

    def metric(self, name: str) -> float:
        """A gauge, or the sum of a counter over its labels."""
        lines = self.get("/metrics")[2].decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def build(folder: Path) -> None:
    """Five segments and two hot generations of spans and log records."""
    store = Store(folder)
    now = time.time_ns()
    for trace in range(1, TRACES + 1):
        spans, logs = ExportTraceServiceRequest(), ExportLogsServiceRequest()
        resource_spans = spans.resource_spans.add()
        resource_spans.resource.attributes.add(key="service.name").value.string_value = f"service-{trace % 5}"
        scope_spans = resource_spans.scope_spans.add()
        for index in range(1, SPANS_PER_TRACE + 1):
            start = now - (TRACES - trace) * 10**9 + index
            span = scope_spans.spans.add(name=f"work {index % 9}", start_time_unix_nano=start)
            span.trace_id, span.span_id = trace.to_bytes(16, "big"), (trace << 16 | index).to_bytes(8, "big")
            span.parent_span_id = b"" if index == 1 else (trace << 16 | 1).to_bytes(8, "big")
            span.end_time_unix_nano = start + trace * index
            span.attributes.add(key="user.id").value.string_value = str(trace * index)
        record = logs.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=now)
        record.body.string_value = f"log {trace}"
        store.append(
            decode_spans([spans.SerializeToString()], received_at_ns=now),
            decode_logs([logs.SerializeToString()], received_at_ns=now),
        )
        if trace % 10 == 0 and trace <= 60:
            store.seal_now()
            while store.unsealed_generations and trace <= 50:
                time.sleep(0.01)
            if trace == 60:
                store.close()
                store = Store(folder)
    store.close()


def damage(path: Path, rng: random.Random, kind: str) -> None:
    """Cut the file short, or flip a bit, at a random place."""
    content = bytearray(path.read_bytes())
    place = rng.randrange(len(content))
    if kind == "truncation":
        del content[place:]
    else:
        content[place] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def start(data: Path, log: Path) -> Collector | None:
    """A collector that is ready, or nothing if it ended."""
    command = [sys.executable, "-m", "quacktrace", "up", "--no-browser", "--data", str(data)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", "0", "--grpc-port", "0", "--min-free", "1MB"], stdout=output, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        lines = log.read_text(errors="replace").splitlines()
        urls = [line.split()[-1] for line in lines if line.strip().startswith("OTLP/HTTP")]
        if urls:
            return Collector(process, urls[0])
        time.sleep(0.02)
    process.kill()
    process.wait()
    return None


def ask(collector: Collector, where: str, findings: Findings) -> bool:
    """Ask every kind of page; True if all rows are there."""
    spans = logs = red = -1
    trace_id = f"{TRACES // 2:032x}"
    for path, body in (
        ("/readyz", None),
        ("/api/v1/services", None),
        ("/api/v1/graph", None),
        ("/api/v1/traces?limit=50", None),
        ("/api/v1/traces?limit=20&q=user.id%3D50", None),
        (f"/api/v1/traces/{trace_id}", None),
        (f"/api/v1/traces/{trace_id}/waterfall", None),
        ("/api/v1/hotspots", None),
        ("/api/v1/logs?limit=200", None),
        ("/api/v1/sql", {"query": COUNT, "timeout_s": 60}),
        ("/api/v1/sql", {"query": "select sum(hash(name, attributes, start_time)) from spans", "timeout_s": 60}),
        ("/api/v1/sql", {"query": "select count(distinct body) from logs", "timeout_s": 60}),
        ("/api/v1/health", None),
    ):
        status, headers, answer = collector.get(path, body)
        if status >= 400 and not (status == 404 and "/traces/" in path):
            findings.wrong.append(f"{where}: {path} {body or ''} answered {status} {answer[:300]!r}")
            return False
        if isinstance(body, dict) and body["query"] == COUNT:
            spans = json.loads(answer)["rows"][0][0]
        elif path == "/api/v1/sql":
            logs = json.loads(answer)["rows"][0][0]
        elif path == "/api/v1/services":
            red = sum(service["calls"] for service in json.loads(answer)["services"])
        partial = "X-Quacktrace-Partial" in headers
    is_whole = (spans, logs) == (SPANS, TRACES) and red == TRACES
    if not is_whole and not partial:
        findings.wrong.append(f"{where}: {spans} spans, {logs} logs, {red} calls, and no word of it")
    return is_whole


def inspected(collector: Collector) -> bool:
    """True once every segment was read whole."""
    return collector.metric("qt_store_inspected_segments") >= collector.metric("qt_store_segments")


def finish(collector: Collector, where: str, findings: Findings) -> None:
    """Wait for the inspection, ask again, end the process."""
    deadline = time.monotonic() + PATIENCE_S
    while not inspected(collector) and time.monotonic() < deadline:
        time.sleep(0.1)
    is_whole = ask(collector, f"{where}, after inspection", findings)
    quarantined = collector.metric("qt_store_quarantined_total")
    findings.counted["quarantined" if quarantined else "harmless"] += 1
    findings.counted["all rows" if is_whole else "partial"] += 1
    if collector.process.poll() is not None:
        findings.wrong.append(f"{where}: the collector ended with {collector.process.returncode}")
    collector.process.send_signal(signal.SIGTERM)
    collector.process.wait(PATIENCE_S)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--live-rounds", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=60, help="stop after this long, with the rounds done so far")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    findings = Findings()
    deadline = time.monotonic() + arguments.minutes * 60
    with tempfile.TemporaryDirectory() as scratch:
        base, data, log = Path(scratch, "base"), Path(scratch, "data"), Path(scratch, "log")
        build(base)
        rounds = [False] * arguments.rounds + [True] * arguments.live_rounds
        rng.shuffle(rounds)
        for number, is_live in enumerate(rounds):
            if time.monotonic() > deadline:
                break
            shutil.rmtree(data, ignore_errors=True)
            shutil.copytree(base, data)
            files = [path for path in sorted(data.rglob("*")) if path.is_file() and path.stat().st_size > 4]
            victim = rng.choice([path for path in files if path.parent.parent.name == "sealed" or not is_live])
            kind = ("truncation", "bit flip")[number % 2]
            findings.counted[f"{kind}{'s, live' if is_live else 's'}"] += 1
            findings.counted["hot" if victim.parent.name == "hot" else "sealed or other"] += 1
            where = f"round {number}: {kind} of {victim.relative_to(data)}{' live' if is_live else ''}"
            if not is_live:
                damage(victim, rng, kind)
            began = time.monotonic()
            collector = start(data, log)
            if collector is None:
                findings.wrong.append(f"{where}: did not come up: {log.read_text(errors='replace')[-500:]}")
                continue
            findings.ready_s.append(time.monotonic() - began)
            if is_live:
                ask(collector, f"{where}, before", findings)
                damage(victim, rng, kind)
            try:
                ask(collector, where, findings)
                finish(collector, where, findings)
            except (OSError, ValueError) as error:
                findings.wrong.append(f"{where}: {error!r}: {log.read_text(errors='replace')[-500:]}")
                collector.process.kill()
                collector.process.wait()
    result = {
        "rounds": len(findings.ready_s),
        "seed": arguments.seed,
        **findings.counted,
        "ready_s_max": round(max(findings.ready_s, default=0), 2),
        "wrong": findings.wrong,
    }
    print(json.dumps(result))
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
