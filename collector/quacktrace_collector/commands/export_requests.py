"""What `quacktrace import` posts, and how much is cut into bodies of a size to post."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace.errors import QuacktraceError

MAX_BODY_BYTES = 4 * 1024 * 1024
PROTOBUF = "application/x-protobuf"
JSON = "application/json"


class UnreadableFileError(QuacktraceError):
    """A file that cannot be read, or holds no traces or logs."""


class ExportRequest(NamedTuple):
    """One body to post."""

    path: str
    """Where to: `/v1/traces` or `/v1/logs`."""
    content_type: str
    body: bytes
    records: int
    """Spans or log records in it."""
    done: float = 1.0
    """Which part of the file has been read when this is sent, for a progress bar."""


class Signal(NamedTuple):
    """The names of one signal's three levels, in protobuf and in JSON."""

    path: str
    message: type[Message]
    fields: tuple[str, str, str]
    keys: tuple[str, str, str]


TRACES = Signal(
    "/v1/traces",
    ExportTraceServiceRequest,
    ("resource_spans", "scope_spans", "spans"),
    ("resourceSpans", "scopeSpans", "spans"),
)
LOGS = Signal(
    "/v1/logs",
    ExportLogsServiceRequest,
    ("resource_logs", "scope_logs", "log_records"),
    ("resourceLogs", "scopeLogs", "logRecords"),
)
SIGNALS = (TRACES, LOGS)


def count_records(message: Any, signal: Signal) -> int:
    """Spans or log records of an export request."""
    return sum(_count(entry, signal) for entry in getattr(message, signal.fields[0]))


def protobuf_requests(message: Any, signal: Signal, max_body_bytes: int) -> Iterator[ExportRequest]:
    """The message in bodies of about the limit; `done` is a part of the message."""
    total = max(1, count_records(message, signal))
    batch, size, records, done = signal.message(), 0, 0, 0
    for entry in getattr(message, signal.fields[0]):
        for piece in _split_message(entry, signal, max_body_bytes):
            if size and size + piece.ByteSize() > max_body_bytes:
                yield ExportRequest(signal.path, PROTOBUF, batch.SerializeToString(), records, done / total)
                batch, size, records = signal.message(), 0, 0
            getattr(batch, signal.fields[0]).append(piece)
            count = _count(piece, signal)
            size, records, done = size + piece.ByteSize(), records + count, done + count
    if size:
        yield ExportRequest(signal.path, PROTOBUF, batch.SerializeToString(), records)


def _count(entry: Any, signal: Signal) -> int:
    return sum(len(getattr(scope, signal.fields[2])) for scope in getattr(entry, signal.fields[1]))


def _split_message(entry: Any, signal: Signal, limit: int) -> Iterator[Any]:
    """One resource's records in pieces of about `limit` bytes, each with the resource and scope they belong to."""
    if entry.ByteSize() <= limit:
        yield entry
        return
    _, scopes, leaves = signal.fields
    shell = type(entry)()
    shell.CopyFrom(entry)
    shell.ClearField(scopes)
    for scope in getattr(entry, scopes):
        records = getattr(scope, leaves)
        step = max(1, len(records) * limit // max(1, scope.ByteSize()))
        scope_shell = type(scope)()
        scope_shell.CopyFrom(scope)
        scope_shell.ClearField(leaves)
        for first in range(0, len(records), step):
            piece = type(entry)()
            piece.CopyFrom(shell)
            part = getattr(piece, scopes).add()
            part.CopyFrom(scope_shell)
            getattr(part, leaves).extend(records[first : first + step])
            yield piece
