"""OTLP from files, protobuf and JSON, as export requests of a size to post."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from quacktrace_collector.commands.export_requests import (
    JSON,
    LOGS,
    PROTOBUF,
    SIGNALS,
    TRACES,
    ExportRequest,
    Signal,
    UnreadableFileError,
    count_records,
    protobuf_requests,
)


def read_protobuf(path: Path, content: bytes, max_body_bytes: int) -> Iterator[ExportRequest]:
    """The file's records; one that is small enough is passed on byte for byte."""
    signal = LOGS if _first_record_is_log(content) else TRACES
    whole = signal.message()
    try:
        whole.ParseFromString(content)
    except DecodeError as error:
        raise UnreadableFileError(
            f"{path}: no file of traces: neither OTLP protobuf nor JSON of OTLP, Jaeger or Zipkin"
        ) from error
    if not getattr(whole, signal.fields[0]):
        raise UnreadableFileError(f"{path}: no {signal.fields[0]} in it; is this OTLP protobuf?")
    if len(content) <= max_body_bytes:
        yield ExportRequest(signal.path, PROTOBUF, content, count_records(whole, signal))
    else:
        yield from protobuf_requests(whole, signal, max_body_bytes)


def is_protobuf(content: bytes) -> bool:
    """True for an export request that holds something."""
    try:
        return bool(TRACES.message.FromString(content).ListFields())
    except DecodeError:
        return False


def signals_of(document: Any) -> list[Signal] | None:
    """Which signals a document of OTLP JSON holds; None for one that is none.

    Metrics are passed over, for the collector does not store them.
    """
    if not isinstance(document, dict):
        return None
    signals = [signal for signal in SIGNALS if isinstance(document.get(signal.keys[0]), list)]
    return signals if signals or "resourceMetrics" in document else None


def count_document(document: dict[str, Any], signal: Signal) -> int:
    """Spans or log records of a document."""
    return sum(_count_json(entry, signal) for entry in document[signal.keys[0]])


class OtlpJson:
    """Gathers documents of OTLP JSON into bodies."""

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._batches = {signal.path: _JsonBatch(signal) for signal in SIGNALS}

    def add(self, document: dict[str, Any], signals: list[Signal]) -> Iterator[ExportRequest]:
        """Bodies that have become full."""
        for signal in signals:
            batch = self._batches[signal.path]
            for entry in document[signal.keys[0]]:
                for piece in _split_document(entry, signal, self._max_body_bytes):
                    text = json.dumps(piece, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
                    if batch.size and batch.size + len(text) > self._max_body_bytes:
                        yield batch.take()
                    batch.add(text, _count_json(piece, signal))

    def rest(self) -> Iterator[ExportRequest]:
        """What is left."""
        for batch in self._batches.values():
            if batch.size:
                yield batch.take()


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
