"""Read traces and logs from files of any kind that `quacktrace import` knows, told apart by their content.

OTLP protobuf, and JSON of OTLP, Jaeger and Zipkin (v2 and v1): one document, a list, or one a line, plain or gzipped.
A trace that the dashboard saved as an HTML file has OTLP JSON in it. Lines are read one by one, so that a file of them
may be larger than memory.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from quacktrace_collector.commands.export_requests import (
    JSON,
    MAX_BODY_BYTES,
    TRACES,
    ExportRequest,
    UnreadableFileError,
    protobuf_requests,
)
from quacktrace_collector.commands.html_files import embedded_otlp, is_html
from quacktrace_collector.commands.otlp_files import OtlpJson, count_document, is_protobuf, read_protobuf, signals_of
from quacktrace_collector.translate.jaeger import is_jaeger, jaeger_request
from quacktrace_collector.translate.json_values import TranslationError
from quacktrace_collector.translate.zipkin import zipkin_request
from quacktrace_collector.translate.zipkin_v1 import is_v1, v2_spans

__all__ = ["read_export_requests"]

_GZIP: Final = b"\x1f\x8b"
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_TRANSLATED_AT_ONCE: Final = 50_000
"""Zipkin spans and Jaeger documents of lines; the halves of a shared span must be among the same."""


def read_export_requests(path: Path, *, max_body_bytes: int = MAX_BODY_BYTES) -> Iterator[ExportRequest]:
    """The file's spans and log records in its own order.

    Raises:
        UnreadableFileError: it cannot be read, or is no file of traces; what came before may have been yielded.
    """
    try:
        with path.open("rb") as raw:
            is_zipped = raw.read(2) == _GZIP
            raw.seek(0)
            with gzip.open(raw) if is_zipped else raw as file:
                yield from _read(path, file, _Progress(raw, max(1, path.stat().st_size)), max_body_bytes)
    except OSError as error:
        what = "damaged gzip" if isinstance(error, gzip.BadGzipFile) else error.strerror or str(error)
        raise UnreadableFileError(f"{path}: {what}") from error
    except (EOFError, zlib.error) as error:
        raise UnreadableFileError(f"{path}: damaged gzip ({error})") from error


class _Progress(NamedTuple):
    """How much of a file has been read."""

    raw: IO[bytes]
    size: int

    def of(self, request: ExportRequest) -> ExportRequest:
        return request._replace(done=min(1.0, self.raw.tell() / self.size))


class _Document(NamedTuple):
    """One JSON document of a file."""

    value: Any
    content: bytes = b""
    """Its bytes, where it is the whole file."""


def _read(
    path: Path, file: io.BufferedReader | gzip.GzipFile, progress: _Progress, max_body_bytes: int
) -> Iterator[ExportRequest]:
    source: io.BufferedIOBase = file
    head = file.peek(512)
    if not head:
        raise UnreadableFileError(f"{path}: the file is empty")
    if is_html(head):
        saved = embedded_otlp(file.read())
        if saved is None:
            raise UnreadableFileError(f"{path}: an HTML page, but not a trace saved from quacktrace")
        source, head = io.BytesIO(saved), saved[:1]
    if not head.lstrip().startswith((b"{", b"[", *_MARKS)):
        yield from read_protobuf(path, file.read(), max_body_bytes)
        return
    if head.startswith(b"\n"):  # as OTLP protobuf does
        content = file.read()
        if is_protobuf(content):
            yield from read_protobuf(path, content, max_body_bytes)
            return
        source = io.BytesIO(content)
    reader = _JsonReader(path, max_body_bytes)
    for document in _documents(path, source):
        for request in reader.add(document):
            yield progress.of(request)
    yield from reader.rest()


def _documents(path: Path, file: io.BufferedIOBase) -> Iterator[_Document]:
    """A document alone, the members of a list, or what stands on each line."""
    lines = enumerate(file, 1)
    number, first = next(((number, line) for number, line in lines if line.strip()), (0, b""))
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        whole = first + file.read()
        try:
            yield from _members(json.loads(whole), whole)
        except (ValueError, RecursionError) as error:
            raise UnreadableFileError(f"{path}: not JSON ({error})") from error
        return
    following = next(((number, line) for number, line in lines if line.strip()), None)
    yield from _members(value, first if following is None else b"")
    while following is not None:
        number, line = following
        try:
            yield from _members(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise UnreadableFileError(f"{path}: line {number} is not JSON ({error})") from error
        following = next(((number, line) for number, line in lines if line.strip()), None)


def _members(value: Any, content: bytes = b"") -> Iterator[_Document]:
    """A document is itself; of a list its members, of Zipkin's lists of traces the spans."""
    if not isinstance(value, list):
        yield _Document(value, content)
        return
    for member in value:
        for item in member if isinstance(member, list) else (member,):
            yield _Document(item)


class _JsonReader:
    """Sorts documents by their kind and gathers them into requests."""

    def __init__(self, path: Path, max_body_bytes: int) -> None:
        self._path = path
        self._max_body_bytes = max_body_bytes
        self._otlp = OtlpJson(max_body_bytes)
        self._jaeger: list[Any] = []
        self._zipkin: list[dict[str, Any]] = []

    def add(self, document: _Document) -> Iterator[ExportRequest]:
        """Requests that have become full."""
        value, content = document
        signals = signals_of(value)
        if signals is not None:
            if content and len(signals) == 1 and len(content) <= self._max_body_bytes:
                yield ExportRequest(signals[0].path, JSON, content, count_document(value, signals[0]))
            else:
                yield from self._otlp.add(value, signals)
        elif is_jaeger(value):
            self._jaeger.append(value)
        elif isinstance(value, dict) and "traceId" in value and "id" in value:
            self._zipkin.append(value)
        else:
            raise UnreadableFileError(
                f"{self._path}: JSON, but no traces: neither resourceSpans nor resourceLogs in it (OTLP),"
                " nor Jaeger's data, nor Zipkin's spans"
            )
        if len(self._jaeger) + len(self._zipkin) >= _TRANSLATED_AT_ONCE:
            yield from self._translated()

    def rest(self) -> Iterator[ExportRequest]:
        """What is left."""
        yield from self._otlp.rest()
        yield from self._translated()

    def _translated(self) -> Iterator[ExportRequest]:
        jaeger, self._jaeger = self._jaeger, []
        zipkin, self._zipkin = self._zipkin, []
        try:
            if jaeger:
                yield from protobuf_requests(jaeger_request(jaeger), TRACES, self._max_body_bytes)
            if zipkin:
                spans = [half for span in zipkin for half in (v2_spans([span]) if is_v1(span) else [span])]
                yield from protobuf_requests(zipkin_request(spans), TRACES, self._max_body_bytes)
        except TranslationError as error:
            raise UnreadableFileError(f"{self._path}: {error}") from error
