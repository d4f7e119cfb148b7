"""Read OTLP from files: protobuf, JSON and JSON lines, plain or gzipped, as export requests of a size to post."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace.errors import QuacktraceError

__all__ = ["MAX_BODY_BYTES", "ExportRequest", "UnreadableFileError", "read_export_requests"]

MAX_BODY_BYTES = 4 * 1024 * 1024
PROTOBUF = "application/x-protobuf"
JSON = "application/json"


class UnreadableFileError(QuacktraceError):
    """A file that cannot be read, or holds no OTLP."""


class ExportRequest(NamedTuple):
    """One body to post."""

    path: str
    """Where to: `/v1/traces` or `/v1/logs`."""
    content_type: str
    body: bytes
    records: int
    """Spans or log records in it."""


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


def read_export_requests(path: Path, *, max_body_bytes: int = MAX_BODY_BYTES) -> Iterator[ExportRequest]:
    """The file's spans and log records in its own order; a file that is small enough is passed on byte for byte."""
    content = _read(path)
    start = content[:64].lstrip()
    if not content:
        raise UnreadableFileError(f"{path}: the file is empty")
    if start.startswith((b"{", b"[")):
        yield from _read_json(path, content, max_body_bytes)
    else:
        yield from _read_protobuf(path, content, max_body_bytes)


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except OSError as error:
        raise UnreadableFileError(f"{path}: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise UnreadableFileError(f"{path}: damaged gzip ({error})") from error


def _read_protobuf(path: Path, content: bytes, max_body_bytes: int) -> Iterator[ExportRequest]:
    signal = LOGS if _first_record_is_log(content) else TRACES
    whole = signal.message()
    try:
        whole.ParseFromString(content)
    except DecodeError as error:
        raise UnreadableFileError(f"{path}: neither OTLP protobuf nor OTLP JSON ({error})") from error
    resources = getattr(whole, signal.fields[0])
    if not resources:
        raise UnreadableFileError(f"{path}: no {signal.fields[0]} in it; is this OTLP protobuf?")
    if len(content) <= max_body_bytes:
        yield ExportRequest(signal.path, PROTOBUF, content, sum(_count(entry, signal) for entry in resources))
        return
    batch, size, records = signal.message(), 0, 0
    for entry in resources:
        for piece in _split_message(entry, signal, max_body_bytes):
            if size and size + piece.ByteSize() > max_body_bytes:
                yield ExportRequest(signal.path, PROTOBUF, batch.SerializeToString(), records)
                batch, size, records = signal.message(), 0, 0
            getattr(batch, signal.fields[0]).append(piece)
            size, records = size + piece.ByteSize(), records + _count(piece, signal)
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


# (field, wire type) that only a log record has: under the same numbers a span's fields are of other types.
LOG_RECORD_FIELDS = frozenset({(1, 1), (2, 0), (6, 2), (7, 0), (8, 5), (10, 2), (11, 1)})
FIXED_SIZES = {1: 8, 5: 4}


def _first_record_is_log(content: bytes) -> bool:
    """Traces and logs nest alike (resource 1, scopes 2, records 2): only the records themselves tell them apart."""
    view = memoryview(content)
    for number in (1, 2, 2):
        found = next(
            (payload for field, wire_type, payload in _fields(view) if (field, wire_type) == (number, 2)), None
        )
        if found is None:
            return False
        view = found
    return any((field, wire_type) in LOG_RECORD_FIELDS for field, wire_type, _ in _fields(view))


def _fields(view: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """(field number, wire type, payload) of a message; ends at the first byte that makes no sense."""
    position = 0
    while position < len(view):
        tag, position = _varint(view, position)
        wire_type = tag & 7
        if wire_type == 0:
            _, end = _varint(view, position)
        elif wire_type == 2:
            size, position = _varint(view, position)
            end = position + size
        elif wire_type in FIXED_SIZES:
            end = position + FIXED_SIZES[wire_type]
        else:
            return
        if end > len(view):
            return
        yield tag >> 3, wire_type, view[position:end]
        position = end


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(view) and shift < 64:
        byte = view[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            break
    return value, position


def _read_json(path: Path, content: bytes, max_body_bytes: int) -> Iterator[ExportRequest]:
    documents = _documents(path, content)
    if len(documents) == 1 and len(content) <= max_body_bytes:
        signals = _signals(path, documents[0])
        if len(signals) == 1:
            records = sum(_count_json(entry, signals[0]) for entry in documents[0][signals[0].keys[0]])
            yield ExportRequest(signals[0].path, JSON, content, records)
            return
    batches = {signal.path: _JsonBatch(signal) for signal in SIGNALS}
    for document in documents:
        for signal in _signals(path, document):
            batch = batches[signal.path]
            for entry in document[signal.keys[0]]:
                for piece in _split_document(entry, signal, max_body_bytes):
                    text = json.dumps(piece, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
                    if batch.size and batch.size + len(text) > max_body_bytes:
                        yield batch.take()
                    batch.add(text, _count_json(piece, signal))
    for batch in batches.values():
        if batch.size:
            yield batch.take()


def _documents(path: Path, content: bytes) -> list[Any]:
    """One document, a list of them, or one a line."""
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError) as error:
        whole_error = str(error)
    else:
        return whole if isinstance(whole, list) else [whole]
    documents: list[Any] = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            documents += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError) as error:
            where = f"line {number} is not JSON ({error})" if documents else f"not JSON ({whole_error})"
            raise UnreadableFileError(f"{path}: {where}") from error
    return documents


def _signals(path: Path, document: Any) -> list[Signal]:
    """Which signals a document holds; metrics are passed over, for the collector does not store them."""
    if isinstance(document, dict):
        signals = [signal for signal in SIGNALS if isinstance(document.get(signal.keys[0]), list)]
        if signals or "resourceMetrics" in document:
            return signals
        if "data" in document or "traceID" in document:
            raise UnreadableFileError(f"{path}: this looks like Jaeger JSON; only OTLP is read for now")
        if "traceId" in document and "id" in document:
            raise UnreadableFileError(
                f"{path}: this looks like Zipkin JSON; post it to /api/v2/spans, only OTLP is read for now"
            )
    raise UnreadableFileError(f"{path}: JSON, but neither resourceSpans nor resourceLogs in it; is this OTLP JSON?")


def _records(entry: Any, signal: Signal) -> Iterator[tuple[Any, list[Any]]]:
    """(scope, its records); whatever has another shape is left for the collector to refuse."""
    scopes = entry.get(signal.keys[1]) if isinstance(entry, dict) else None
    for scope in scopes if isinstance(scopes, list) else ():
        records = scope.get(signal.keys[2]) if isinstance(scope, dict) else None
        yield scope, records if isinstance(records, list) else []


def _count_json(entry: Any, signal: Signal) -> int:
    return sum(len(records) for _, records in _records(entry, signal))


def _split_document(entry: Any, signal: Signal, limit: int) -> Iterator[Any]:
    size = len(json.dumps(entry))
    if size <= limit:
        yield entry
        return
    _, scopes, leaves = signal.keys
    for scope, records in _records(entry, signal):
        step = max(1, len(records) * limit // size)
        for first in range(0, len(records), step):
            yield {**entry, scopes: [{**scope, leaves: records[first : first + step]}]}


class _JsonBatch:
    """Resources of one signal, as texts, until they are enough for a request."""

    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self._begin()

    def _begin(self) -> None:
        self._texts: list[bytes] = []
        self._records = 0
        self.size = 0

    def add(self, text: bytes, records: int) -> None:
        self._texts.append(text)
        self._records += records
        self.size += len(text) + 1

    def take(self) -> ExportRequest:
        """The request so far; the batch begins anew."""
        body = b'{"%s":[%s]}' % (self._signal.keys[0].encode(), b",".join(self._texts))
        request = ExportRequest(self._signal.path, JSON, body, self._records)
        self._begin()
        return request
