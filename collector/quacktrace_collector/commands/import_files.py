"""`quacktrace import FILE…`: send files of traces to a running collector, and say what became of each."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from quacktrace.client import DEFAULT_URL, Answer, CollectorClient, CollectorUnreachableError, default_url
from quacktrace.commands import Command
from quacktrace.errors import QuacktraceError
from quacktrace.terminal import printable, say_error
from quacktrace_collector.commands.export_requests import PROTOBUF, ExportRequest
from quacktrace_collector.commands.trace_files import read_export_requests

__all__ = ["COMMAND", "Outcome", "import_file"]

RETRYABLE = frozenset({429, 502, 503, 504})
PATIENCE_S = 60.0
_BAR_WIDTH = 24


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="OTLP protobuf; JSON of OTLP, Jaeger or Zipkin, a document or one a line; saved trace pages; .gz too",
    )
    parser.add_argument("--url", metavar="URL", help=f"the collector (default: QUACKTRACE_URL, else {DEFAULT_URL})")
    parser.add_argument("--token", metavar="T", help="write token (default: QUACKTRACE_WRITE_TOKEN)")


def _run(arguments: argparse.Namespace) -> int:
    client = CollectorClient(
        arguments.url or default_url(), token=arguments.token or os.environ.get("QUACKTRACE_WRITE_TOKEN")
    )
    before = _duplicates(client)
    outcomes: list[Outcome] = []
    for path in arguments.files:
        try:
            outcome = import_file(client, path)
        except CollectorUnreachableError:
            raise
        except QuacktraceError as error:
            _clear_progress()
            say_error("quacktrace import", str(error))
        else:
            print(f"{printable(str(path))}: {outcome}", flush=True)
            outcomes.append(outcome)
    after = _duplicates(client)
    print(_summary(outcomes, None if before is None or after is None else after - before))
    is_complete = len(outcomes) == len(arguments.files) and not any(outcome.rejected for outcome in outcomes)
    return 0 if is_complete else 1


@dataclass(frozen=True)
class Outcome:
    """What became of one file."""

    spans: int
    log_records: int
    rejected: int
    reason: str
    """Why some were rejected, in the collector's words."""

    def __str__(self) -> str:
        counts = [f"{self.spans:,} spans"] if self.spans or not self.log_records else []
        counts += [f"{self.log_records:,} log records"] if self.log_records else []
        counts += [f"{self.rejected:,} rejected ({printable(self.reason)})"] if self.rejected else []
        return ", ".join(counts)


def _summary(outcomes: Sequence[Outcome], duplicates: int | None) -> str:
    """All files in one line; what others sent at the same time may be among the duplicates, but never too many."""
    spans = sum(outcome.spans for outcome in outcomes)
    duplicates = None if duplicates is None else min(duplicates, spans)
    counts = [
        "1 file" if len(outcomes) == 1 else f"{len(outcomes):,} files",
        f"{spans - (duplicates or 0):,} spans stored",
        f"{sum(outcome.log_records for outcome in outcomes):,} log records stored",
        f"{duplicates:,} duplicates" if duplicates is not None else "duplicates not known",
        f"{sum(outcome.rejected for outcome in outcomes):,} rejected",
    ]
    return ", ".join(counts)


def _duplicates(client: CollectorClient) -> int | None:
    """How many spans the collector has left out as stored already; None when it does not tell without a token."""
    answer = client.get("/metrics")
    if not answer.is_ok:
        return None
    found = re.search(rb"^qt_ingest_duplicate_spans_total(?:\{[^}]*\})? (\d+)", answer.body, re.MULTILINE)
    return int(found[1]) if found else 0


def import_file(client: CollectorClient, path: Path) -> Outcome:
    """Send one file; raises QuacktraceError when a request of it is refused, after what went before is stored."""
    sent = dict.fromkeys(("/v1/traces", "/v1/logs"), 0)
    rejected = 0
    reason = ""
    for request in read_export_requests(path):
        answer = _post(client, path, request)
        refused, message = _partial_success(request, answer)
        sent[request.path] += request.records - refused
        rejected, reason = rejected + refused, message.removeprefix(f"{refused} rejected: ") or reason
        _show_progress(path, sum(sent.values()), request.done)
    _clear_progress()
    return Outcome(sent["/v1/traces"], sent["/v1/logs"], rejected, reason)


def _post(client: CollectorClient, path: Path, request: ExportRequest) -> Answer:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = client.post(request.path, request.body, content_type=request.content_type, accept=request.content_type)
        if answer.is_ok:
            return answer
        if answer.status not in RETRYABLE or time.monotonic() > deadline:
            raise QuacktraceError(f"{path}: {_refusal(request, answer)}")
        time.sleep(_retry_after_s(answer))


def _retry_after_s(answer: Answer) -> float:
    text = answer.headers.get("Retry-After", "")
    return min(float(text), 10.0) if text.isdigit() else 1.0


def _partial_success(request: ExportRequest, answer: Answer) -> tuple[int, str]:
    """(rejected records, why): the three signals' answers have the same fields under the same numbers."""
    if request.content_type == PROTOBUF:
        response = ExportTraceServiceResponse()
        try:
            response.ParseFromString(answer.body)
        except DecodeError:
            return 0, ""
        return response.partial_success.rejected_spans, response.partial_success.error_message
    document = answer.json()
    partial = document.get("partialSuccess") if isinstance(document, dict) else None
    if not isinstance(partial, dict):
        return 0, ""
    refused = partial.get("rejectedSpans") or partial.get("rejectedLogRecords") or 0
    return int(refused), str(partial.get("errorMessage", ""))


def _refusal(request: ExportRequest, answer: Answer) -> str:
    if answer.status == 401:
        return "the collector asks for a write token: give --token, or set QUACKTRACE_WRITE_TOKEN"
    if request.content_type == PROTOBUF:
        from google.rpc.status_pb2 import Status

        try:
            message = Status.FromString(answer.body).message
        except DecodeError:
            message = ""
        if message:
            return f"refused with {answer.status}: {message}"
    return f"refused with {answer.status}: {answer.error()['message']}"


def _show_progress(path: Path, records: int, done: float) -> None:
    if sys.stderr.isatty():
        bar = ("█" * round(done * _BAR_WIDTH)).ljust(_BAR_WIDTH, "░")
        line = f"{bar} {done:4.0%} {records:,} of {printable(path.name)}"
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\x1b[K{line[:width]}", end="", file=sys.stderr, flush=True)


def _clear_progress() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


COMMAND = Command(
    name="import", summary="send files of traces to the running collector", add_arguments=_add_arguments, run=_run
)
