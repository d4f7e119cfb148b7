"""The feed: each committed batch appended to an Arrow IPC stream that another process can read.

The same bytes are what a generation commits to DuckDB. A second process cannot open a hot generation, not even
read-only, so the SQL worker reads this instead, and so do the sealer and our own queries. Measured on 200,000 spans of
418 wire bytes, CPU µs a span to write and to read, bytes a span: lz4 0.6 + 0.6, 218; zstd 1.4 + 3.2, 137; none
0.4 + 0.0, 648.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc

from quacktrace_collector.store.snapshot import FeedFile

_OPTIONS = pyarrow.ipc.IpcWriteOptions(compression="lz4", use_threads=False)


def encode_batch(table: pa.Table) -> bytes:
    """The rows as IPC messages without the schema that opens a stream."""
    sink = pa.BufferOutputStream()
    writer = pyarrow.ipc.new_stream(sink, table.schema, options=_OPTIONS)
    writer.write_table(table)
    # It is left without its end marker.
    return bytes(memoryview(sink.getvalue())[table.schema.serialize().size :])


class FeedWriter:
    """Appends batches of one schema; only what `commit` made count is ever read, so a torn tail does no harm."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._header = schema.serialize().to_pybytes()
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._length = 0
        self._written = 0

    def write(self, batch: bytes) -> None:
        """Write what `encode_batch` made; its rows count from the next `commit` on, and are lost without one.

        Raises:
            OSError: the disk is full, say.
        """
        payload = memoryview(batch if self._length else self._header + batch)
        offset = self._length
        while payload:
            written = os.pwrite(self._fd, payload, offset)
            payload, offset = payload[written:], offset + written
        self._written = offset

    def commit(self) -> None:
        """What was written counts."""
        self._length = self._written

    def file(self) -> FeedFile:
        """The file as far as it is committed now."""
        return FeedFile(self._path, self._length)

    def close(self) -> None:
        """Close the descriptor; the file stays."""
        os.close(self._fd)


def read_feed(file: FeedFile, columns: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
    """The committed batches of a feed file, in order of commit; only these columns, if any are named."""
    if not file.length:
        return
    with pa.memory_map(str(file.path)) as source:
        committed = source.read_buffer(file.length)
        schema = pyarrow.ipc.open_stream(committed).schema
        fields = [schema.get_field_index(name) for name in columns]
        options = pyarrow.ipc.IpcReadOptions(included_fields=fields, use_threads=False)
        yield from pyarrow.ipc.open_stream(committed, options=options)
