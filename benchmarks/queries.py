"""What a running collector's API and SQL answer over a day of realistic traces; prints one JSON object.

    python benchmarks/queries.py --data DIR [--spans 1500000] [--hours 24] [--repeat 40] [--only WORD]

DIR is filled first if it is empty, through the store itself, which is measured too. Then `quacktrace up` serves it and
every question is asked over a real socket, one at a time. `cpu_p50_ms` is what the collector and its SQL workers spent:
it holds where other processes share the machine. Each answer's parameters are drawn anew.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import duckdb
import numpy as np
import pyarrow as pa

from quacktrace_collector.store import Store
from stored_day import fill

_HOUR_NS: Final = 3600 * 10**9
_PATIENCE_S: Final = 60


@dataclass(frozen=True)
class Question:
    """One request; with a body it is posted."""

    path: str
    parameters: dict[str, str] | None = None
    query: str | None = None


class Collector:
    """`quacktrace up` over a data folder, and one keep-alive connection to it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._pid = process.pid
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    @staticmethod
    @contextmanager
    def running(data_dir: Path) -> Iterator[Collector]:
        """Until the block ends."""
        command = [sys.executable, "-m", "quacktrace", "up", "--no-browser", "--port", "0", "--grpc-port", "0"]
        command += ["--data", str(data_dir), "--retention", "3650d", "--max-size", "1000GB"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if match := re.search(r"OTLP/HTTP\s+http://[^:]+:(\d+)", line):
                    yield Collector(process, int(match[1]))
                    break
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_PATIENCE_S)

    def ask(self, question: Question) -> Any:
        """The answer's JSON."""
        path = f"/api/v1/{question.path}"
        if question.query is not None:
            body = json.dumps({"query": question.query, "timeout_s": 60})
            self._connection.request("POST", path, body, {"Content-Type": "application/json"})
        else:
            self._connection.request("GET", f"{path}?{urlencode(question.parameters or {})}")
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        return json.loads(body)

    def cpu_ms(self) -> float:
        """Of the process and its SQL workers so far."""
        spent_ns = 0
        for process in (self._pid, *_children(self._pid)):
            with suppress(OSError):
                # The kernel's clock of another process' CPU time; threads that have ended are in it.
                spent_ns += time.clock_gettime_ns(~process << 3 | 2)
        return spent_ns / 1e6

    def rss_mb(self) -> dict[str, Any]:
        """Now and at its worst, and what its SQL workers have."""
        status = Path(f"/proc/{self._pid}/status").read_text()
        workers = [Path(f"/proc/{process}/status").read_text() for process in _children(self._pid)]
        return {
            "collector": _megabytes(status, "VmRSS"),
            "collector_peak": _megabytes(status, "VmHWM"),
            "workers": [_megabytes(worker, "VmRSS") for worker in workers],
        }


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in found for child in path.read_text().split()]


def _megabytes(status: str, field: str) -> int:
    match = re.search(rf"{field}:\s+(\d+) kB", status)
    return int(match[1]) // 1024 if match else 0


def questions(spans: list[dict[str, str]], extent_ns: tuple[int, int], seed: int) -> dict[str, Callable[[], Question]]:
    """By name; each call draws an hour, a trace or a value anew."""
    draw = random.Random(seed)
    first_ns, last_ns = extent_ns
    hours = max((last_ns - first_ns) // _HOUR_NS - 1, 1)

    def start() -> int:
        return first_ns + draw.randrange(hours) * _HOUR_NS + draw.randrange(60) * 60 * 10**9

    def hour() -> dict[str, str]:
        from_ns = start()
        return {"from": str(from_ns // 10**6), "to": str((from_ns + _HOUR_NS) // 10**6)}

    def hour_sql() -> str:
        from_ns = start()
        return f"start_time >= make_timestamp_ns({from_ns}) and start_time < make_timestamp_ns({from_ns + _HOUR_NS})"

    def trace() -> str:
        return draw.choice(spans)["trace_id"]

    def span() -> str:
        one = draw.choice(spans)
        return f"traces/{one['trace_id']}/spans/{one['span_id']}"

    whole = {"from": str(first_ns // 10**6), "to": str(last_ns // 10**6 + 1)}
    newest = {"service": "payment", "min_duration": "60ms", "limit": "20"}

    def user() -> dict[str, str]:
        return {"q": f"enduser.id:user-{draw.randint(1, 20000)}", "limit": "20"}

    def sql(query: str) -> Question:
        return Question("sql", query=query)

    return {
        "trace by id without a time range": lambda: Question(f"traces/{trace()}"),
        "waterfall": lambda: Question(f"traces/{trace()}/waterfall"),
        "span by id": lambda: Question(span()),
        "explain": lambda: Question(f"traces/{trace()}/explain"),
        "services, any hour": lambda: Question("services", hour()),
        "services, whole range": lambda: Question("services", whole),
        "operations of a service, any hour": lambda: Question("operations", {**hour(), "service": "checkout"}),
        "operations of a service, whole range": lambda: Question("operations", {**whole, "service": "checkout"}),
        "graph, any hour": lambda: Question("graph", hour()),
        "graph, whole range": lambda: Question("graph", whole),
        "hotspots, any hour": lambda: Question("hotspots", hour()),
        "hotspots, whole range": lambda: Question("hotspots", whole),
        "newest 20 traces of a service with a minimum duration": lambda: Question("traces", {**whole, **newest}),
        "the same, any hour": lambda: Question("traces", {**hour(), **newest}),
        "slowest 20 traces, whole range": lambda: Question("traces", {**whole, "order": "slowest", "limit": "20"}),
        "attribute search, any hour": lambda: Question("traces", {**hour(), **user()}),
        "attribute search, whole range": lambda: Question("traces", {**whole, **user()}),
        "errors, any hour": lambda: Question("errors", hour()),
        "errors, whole range": lambda: Question("errors", whole),
        "logs, whole range": lambda: Question("logs", whole),
        "logs with a word, whole range": lambda: Question("logs", {**whole, "q": "checkout/item failed"}),
        "logs of a trace": lambda: Question("logs", {"trace_id": trace()}),
        "SQL: a small query": lambda: sql(f"select {draw.randint(1, 9)}"),
        "SQL: by service, any hour": lambda: sql(
            f"select service_name, count(*), avg(duration_ns) from spans where {hour_sql()} group by all"
        ),
        "SQL: where trace_id": lambda: sql(f"select * from spans where trace_id = '{trace()}'"),
        "SQL: by a promoted attribute, everything": lambda: sql(
            "select http_route, count(*) from spans group by http_route order by 2 desc"
        ),
        "SQL: by any other attribute, everything": lambda: sql(
            "select attributes['user_agent.original'] as agent, count(*) from spans group by agent order by 2 desc"
        ),
    }


def measure(collector: Collector, *, repeat: int, only: str, seed: int = 7) -> dict[str, Any]:
    """Milliseconds by question; those that take seconds are asked less often."""
    answer = collector.ask(
        Question("sql", query="select epoch_ns(min(start_time)), epoch_ns(max(start_time)) from spans")
    )
    first_ns, last_ns = (int(cell) for cell in answer["rows"][0])
    sample = collector.ask(Question("sql", query="select trace_id, span_id from spans using sample 300 rows"))["rows"]
    spans = [{"trace_id": trace_id, "span_id": span_id} for trace_id, span_id in sample]
    figures: dict[str, Any] = {}
    for name, question in questions(spans, (first_ns, last_ns), seed).items():
        if only not in name:
            continue
        times_ms: list[float] = []
        cpu_ms: list[float] = []
        while len(times_ms) <= repeat and (sum(times_ms) < 20_000 or len(times_ms) < 4):
            asked = question()
            cpu_began, began = collector.cpu_ms(), time.perf_counter()
            collector.ask(asked)
            times_ms.append((time.perf_counter() - began) * 1e3)
            cpu_ms.append(collector.cpu_ms() - cpu_began)
        first, *rest = times_ms
        figures[name] = {
            "p50_ms": round(float(np.quantile(rest, 0.5)), 2),
            "p95_ms": round(float(np.quantile(rest, 0.95)), 2),
            "cpu_p50_ms": round(float(np.quantile(cpu_ms[1:], 0.5)), 2),
            "first_ms": round(first, 2),
        }
        print(f"{name:60s} {figures[name]}", file=sys.stderr)
    return figures


def _bytes_by_file(sealed_dir: Path) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for path in sealed_dir.rglob("*"):
        if path.is_file():
            sizes[path.name] = sizes.get(path.name, 0) + path.stat().st_size
    return sizes


def _commit() -> str:
    answer = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    )
    return answer.stdout.strip()


def main() -> None:
    """Fill if need be, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--spans", type=int, default=1_500_000)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--repeat", type=int, default=40)
    parser.add_argument("--only", default="", help="questions whose name contains this")
    arguments = parser.parse_args()
    store = Store(arguments.data)
    try:
        filled = None
        if store.counts()[0] == 0:
            filled = fill(store, spans=arguments.spans, hours=arguments.hours)
        spans, logs = store.counts()
        segments = len(os.listdir(store.sealed_dir))
        sizes = _bytes_by_file(store.sealed_dir)
    finally:
        store.close()
    with Collector.running(arguments.data) as collector:
        idle = collector.rss_mb()
        answers = measure(collector, repeat=arguments.repeat, only=arguments.only)
        print(
            json.dumps(
                {
                    "commit": _commit(),
                    "versions": {
                        "python": platform.python_version(),
                        "duckdb": duckdb.__version__,
                        "arrow": pa.__version__,
                    },
                    "cpus": os.cpu_count(),
                    "load": os.getloadavg()[0],
                    "settings": {"hours": arguments.hours, "repeat": arguments.repeat},
                    "spans": spans,
                    "logs": logs,
                    "segments": segments,
                    "filled": filled,
                    "bytes_per_span": {name: round(size / spans, 3) for name, size in sorted(sizes.items())},
                    "rss_mb": {"idle": idle, "after": collector.rss_mb()},
                    "answers": answers,
                },
                indent=1,
            )
        )


if __name__ == "__main__":
    main()
