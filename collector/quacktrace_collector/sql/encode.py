"""Encodes a result's batches as JSON, CSV, an Arrow stream or Parquet, under a cap on rows and bytes."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.ipc

from quacktrace_collector.errors import QueryTooLargeError
from quacktrace_collector.sql.frames import ResultFormat
from quacktrace_collector.sql.json_values import json_values

__all__ = ["Column", "Emit", "Encoded", "encode"]

Emit = Callable[[bytes], None]
"""Takes a part of a body."""

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Column:
    """A result column: its name and its DuckDB type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Encoded:
    """A body, or the rest of one that was handed on in parts, and what the whole holds."""

    body: bytes
    row_count: int
    truncated: bool


class _Rows:
    """The first `limit` rows of a stream, and whether there were more."""

    def __init__(self, reader: pa.RecordBatchReader, limit: int) -> None:
        self.schema: pa.Schema = reader.schema
        self.row_count = 0
        self.truncated = False
        self._reader = reader
        self._limit = limit

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._reader:
            room = self._limit - self.row_count
            if batch.num_rows > room:
                self.truncated = True
                batch = batch.slice(0, room)
            self.row_count += batch.num_rows
            if batch.num_rows:
                yield batch
            if self.truncated:
                return


class _Sink(io.RawIOBase):
    """Collects what is written, hands it on in parts where somebody takes them, and refuses to grow past the cap."""

    def __init__(self, max_bytes: int, part_bytes: int | None, emit: Emit | None) -> None:
        super().__init__()
        self._buffer = bytearray()
        self._written = 0
        self._max_bytes = max_bytes
        self._part_bytes = part_bytes
        self._emit = emit

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any, /) -> int:
        view = memoryview(data)
        self._buffer += view
        self._written += view.nbytes
        if self._written > self._max_bytes:
            raise QueryTooLargeError(
                f"The result is larger than {self._max_bytes >> 20} MiB.",
                hint="Select fewer columns, lower the limit, or have it streamed.",
            )
        if self._emit is not None and self._part_bytes is not None and len(self._buffer) >= self._part_bytes:
            self._emit(self.take())
        return view.nbytes

    def take(self) -> bytes:
        """What was not handed on yet."""
        taken = bytes(self._buffer)
        self._buffer.clear()
        return taken


def encode(
    reader: pa.RecordBatchReader,
    columns: Sequence[Column],
    *,
    form: ResultFormat,
    limit: int,
    max_bytes: int,
    part_bytes: int | None = None,
    emit: Emit | None = None,
    started: float | None = None,
) -> Encoded:
    """Read the stream as far as needed; raises QueryTooLargeError past `max_bytes`.

    `emit` gets whatever is longer than `part_bytes` while it is made; the body is then the rest.
    JSON says how long it took since `started`.
    """
    started = time.perf_counter() if started is None else started
    rows, sink = _Rows(reader, limit), _Sink(max_bytes, part_bytes, emit)
    _ENCODERS[form](rows, columns, sink)
    if form is ResultFormat.JSON:
        sink.write(_json_end(rows, started))
    return Encoded(sink.take(), rows.row_count, rows.truncated)


def _json_end(rows: _Rows, started: float) -> bytes:
    facts = {
        "row_count": rows.row_count,
        "truncated": rows.truncated,
        "elapsed_ms": round((time.perf_counter() - started) * 1_000, 3),
    }
    return b"," + orjson.dumps(facts)[1:]


def _encode_json(rows: _Rows, columns: Sequence[Column], buffer: _Sink) -> None:
    described = orjson.dumps([{"name": column.name, "type": column.type} for column in columns])
    buffer.write(b'{"columns":%b,"rows":[' % described)
    separator = b""
    for batch in rows:
        values = [json_values(column) for column in batch.columns]
        buffer.write(separator + orjson.dumps(list(zip(*values, strict=True)))[1:-1])
        separator = b","
    buffer.write(b"]")


def _encode_csv(rows: _Rows, columns: Sequence[Column], buffer: _Sink) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_harmless(column.name) for column in columns])
    buffer.write(_drain(text))
    for batch in rows:
        values = [_cells(column) for column in batch.columns]
        writer.writerows(zip(*values, strict=True))
        buffer.write(_drain(text))


def _cells(array: Any) -> list[Any]:
    """Numbers stay as they are; a text that a spreadsheet would take for a formula is given an apostrophe."""
    is_text = not (
        pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)
    )
    return [_cell(value, is_text) for value in json_values(array)]


def _cell(value: Any, is_text: bool) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return _harmless(value) if is_text and isinstance(value, str) else value


def _harmless(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def _drain(text: io.StringIO) -> bytes:
    encoded = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return encoded


def _encode_arrow(rows: _Rows, columns: Sequence[Column], buffer: _Sink) -> None:
    with pyarrow.ipc.new_stream(pa.PythonFile(buffer, "w"), rows.schema) as writer:
        for batch in rows:
            writer.write_batch(batch)


def _encode_parquet(rows: _Rows, columns: Sequence[Column], buffer: _Sink) -> None:
    from pyarrow.parquet import ParquetWriter  # 15 MB, and seldom asked for

    names = _unique([column.name for column in columns])
    schema = pa.schema([field.with_name(name) for field, name in zip(rows.schema, names, strict=True)])
    with ParquetWriter(pa.PythonFile(buffer, "w"), schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch.rename_columns(names))


def _unique(names: Sequence[str]) -> list[str]:
    """Parquet needs distinct names: later ones get a number."""
    taken: set[str] = set()
    result: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken:
            candidate, number = f"{name}_{number}", number + 1
        taken.add(candidate)
        result.append(candidate)
    return result


_ENCODERS: Final[dict[ResultFormat, Callable[[_Rows, Sequence[Column], _Sink], None]]] = {
    ResultFormat.JSON: _encode_json,
    ResultFormat.CSV: _encode_csv,
    ResultFormat.ARROW: _encode_arrow,
    ResultFormat.PARQUET: _encode_parquet,
}
