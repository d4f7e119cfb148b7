"""Every span of a range as a stream of OTLP JSON lines or one Parquet file, in bounded memory.

Hot generations and sealed segments are read one after the other, by a DuckDB of its own that holds a few thousand rows
at a time, so that millions of spans cost no more than the generation being read, and no other query waits.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any, Final, Literal, cast

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from quacktrace_collector.query.otlp_documents import trace_request
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.store.compose import compose
from quacktrace_collector.store.snapshot import Snapshot
from quacktrace_collector.store.views import PUBLIC_SPAN_COLUMNS
from quacktrace_collector.time_range import TimeRange

Format = Literal["otlp-json", "parquet"]
FORMATS: Final[tuple[Format, ...]] = ("otlp-json", "parquet")

LINE_SPANS: Final = 1_000
"""Spans of one ExportTraceServiceRequest, which makes a line of 0.5 to 1 MB."""
ROW_GROUP_SPANS: Final = 20_000
_MEMORY_LIMIT: Final = "512MB"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which spans."""

    time_range: TimeRange
    """Of start times, half-open."""
    service: str | None = None
    trace_id: str | None = None
    """32 hex digits."""


def stream_spans(snapshot: Snapshot, wanted: Wanted, form: Format) -> Iterator[bytes]:
    """Pieces of the export; the snapshot must stay pinned until the last one. One thread at a time may ask."""
    connection = duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": _MEMORY_LIMIT,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        }
    )
    try:
        yield from (_lines if form == "otlp-json" else _parquet)(connection, snapshot, wanted)
    finally:
        connection.close()


def _lines(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, wanted: Wanted) -> Iterator[bytes]:
    for batch in _batches(connection, Query.TRACE_EXPORT.sql, snapshot, wanted, LINE_SPANS):
        yield orjson.dumps(trace_request(batch.to_pylist())) + b"\n"


def _parquet(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, wanted: Wanted) -> Iterator[bytes]:
    sql = f"select {', '.join(PUBLIC_SPAN_COLUMNS)} from spans\n"
    sink = _Pieces()
    writer: pq.ParquetWriter | None = None
    for batch in _batches(connection, sql, snapshot, wanted, ROW_GROUP_SPANS):
        writer = writer or _writer(sink, batch.schema)
        writer.write_batch(batch)
        yield sink.take()
    if writer is None:
        nothing = replace(snapshot, hot=(), segments=())
        writer = _writer(sink, _run(connection, f"{sql}where false", nothing, wanted, 1).schema)
    writer.close()
    yield sink.take()


def _writer(sink: _Pieces, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(cast(IO[bytes], sink), schema, compression="zstd")


def _batches(
    connection: duckdb.DuckDBPyConnection, sql: str, snapshot: Snapshot, wanted: Wanted, rows: int
) -> Iterator[pa.RecordBatch]:
    """The rows of each segment, oldest first, then of each generation."""
    conditions = ["start_time >= make_timestamp_ns($from_ns)", "start_time < make_timestamp_ns($to_ns)"]
    if wanted.service is not None:
        conditions.append("service_name = $service")
    if wanted.trace_id is not None:
        conditions.append("trace_id = $trace_id")
    sql = f"{sql}where {' and '.join(conditions)}"
    parts = [replace(snapshot, hot=(), segments=(segment,)) for segment in snapshot.segments]
    parts += [replace(snapshot, hot=(generation,), segments=()) for generation in snapshot.hot]
    for part in parts:
        for batch in _run(connection, sql, part, wanted, rows):
            if batch.num_rows:
                yield batch


def _run(
    connection: duckdb.DuckDBPyConnection, sql: str, part: Snapshot, wanted: Wanted, rows: int
) -> pa.RecordBatchReader:
    composed = compose(sql, part, wanted.time_range, [wanted.trace_id] if wanted.trace_id else ())
    for name, table in composed.tables.items():
        connection.register(name, table)
    values: dict[str, Any] = {
        "from_ns": wanted.time_range.from_ns,
        "to_ns": wanted.time_range.to_ns,
        "service": wanted.service,
        "trace_id": wanted.trace_id,
    }
    named = {name: value for name, value in values.items() if f"${name}" in sql}
    return cast(pa.RecordBatchReader, connection.sql(composed.sql, params=named).to_arrow_reader(rows))


class _Pieces(io.RawIOBase):
    """A file that is only written to; what was written is taken out piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += data
        return len(memoryview(data))

    def take(self) -> bytes:
        """What was written since the last time."""
        piece = bytes(self._written)
        self._written.clear()
        return piece
