"""Mutated requests: none crashes or is a 500, and every valid one decodes as the official protobuf objects say.

    python benchmarks/mutate.py [--count 100000] [--seed 1] [--url http://127.0.0.1:4318]

Bodies of traces and logs as protobuf, OTLP JSON and Zipkin JSON are mutated by fixed seeds. In this process each is
accepted and decoded, and compared with the walk that the tests have (tests/decode_walk.py). With `--url` each
goes to that collector too, whose status must be 200, 202, 400 or 413. Prints one JSON object; the exit status is 1
when anything differs.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from decode_walk import assert_logs_decode_as_walked, assert_spans_decode_as_walked
from mutations import mutated, sample_json, sample_logs, sample_request, sample_zipkin
from quacktrace_collector.errors import BodyTooLargeError, MalformedBodyError
from quacktrace_collector.receive.accept import accepted_request
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.signal_kinds import Signal

BATCH = 40
SENDERS = 4
GOOD_STATUSES = {200, 202, 400, 413}


class Kind(NamedTuple):
    """What is mutated, and where it goes."""

    name: str
    signal: Signal
    encoding: Encoding
    body: bytes
    path: str
    content_type: str
    share: int
    """How many of ten bodies."""


def main() -> int:
    """Mutate, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url")
    arguments = parser.parse_args()
    began = time.perf_counter()
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    for kind, bodies in batches(arguments.count, arguments.seed):
        compare(kind, bodies, outcomes, failures)
        if arguments.url:
            send(arguments.url, kind, bodies, outcomes, failures)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    result = {
        "count": arguments.count,
        "seed": arguments.seed,
        "outcomes": dict(sorted(outcomes.items())),
        "failures": len(failures),
        "first_failures": failures[:5],
        "seconds": round(time.perf_counter() - began, 1),
        "commit": commit.stdout.strip(),
    }
    print(json.dumps(result, indent=2))
    return 1 if failures else 0


def batches(count: int, seed: int) -> Iterator[tuple[Kind, list[bytes]]]:
    """All mutants, those of one kind together."""
    dice = random.Random(seed)
    kinds = (
        Kind(
            "traces",
            Signal.TRACES,
            Encoding.PROTOBUF,
            sample_request().SerializeToString(),
            "/v1/traces",
            "application/x-protobuf",
            5,
        ),
        Kind(
            "logs",
            Signal.LOGS,
            Encoding.PROTOBUF,
            sample_logs().SerializeToString(),
            "/v1/logs",
            "application/x-protobuf",
            2,
        ),
        Kind("json", Signal.TRACES, Encoding.JSON, sample_json(), "/v1/traces", "application/json", 2),
        Kind("zipkin", Signal.TRACES, Encoding.ZIPKIN, sample_zipkin(), "/api/v2/spans", "application/json", 1),
    )
    for kind in kinds:
        left = count * kind.share // 10
        while left > 0:
            yield kind, [mutated(kind.body, dice) for _ in range(min(left, BATCH))]
            left -= BATCH


def compare(kind: Kind, bodies: list[bytes], outcomes: Counter[str], failures: list[str]) -> None:
    """Decode what is valid, all at once and, when that differs, one by one."""
    valid = []
    for body in bodies:
        try:
            valid.append(accepted_request(kind.signal, kind.encoding, body).body)
        except (MalformedBodyError, BodyTooLargeError) as error:
            outcomes[f"{kind.name} {error.code}"] += 1
        except Exception as error:  # whatever else it is, it is what is looked for
            failures.append(f"{kind.name} {body.hex()}: {error!r}")
    outcomes[f"{kind.name} valid"] += len(valid)
    check = assert_logs_decode_as_walked if kind.signal is Signal.LOGS else assert_spans_decode_as_walked
    try:
        check(valid)
    except BaseException:  # ptars' panics are no Exceptions
        for body in valid:
            try:
                check([body])
            except BaseException as error:
                failures.append(f"{kind.name} {body.hex()}: {str(error)[:300]}")


def send(url: str, kind: Kind, bodies: list[bytes], outcomes: Counter[str], failures: list[str]) -> None:
    """Post the bodies over a few connections."""
    parts = urlsplit(url)

    def post(share: list[bytes]) -> list[tuple[bytes, int]]:
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        answers = []
        for body in share:
            try:
                connection.request("POST", kind.path, body, {"Content-Type": kind.content_type})
                response = connection.getresponse()
                response.read()
                answers.append((body, response.status))
            except (OSError, http.client.HTTPException):
                answers.append((body, 0))
                connection.close()
        connection.close()
        return answers

    with ThreadPoolExecutor(SENDERS) as pool:
        for answers in pool.map(post, [bodies[number::SENDERS] for number in range(SENDERS)]):
            for body, status in answers:
                outcomes[f"{kind.name} status {status}"] += 1
                if status not in GOOD_STATUSES:
                    failures.append(f"{kind.name} {body.hex()}: status {status}")


if __name__ == "__main__":
    sys.exit(main())
