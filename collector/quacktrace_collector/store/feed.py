"""The feed: each committed batch appended to an Arrow IPC stream that another process can read.

A second process cannot open a hot generation, not even read-only, so the SQL worker reads this instead, and so does the
sealer. Measured on 200,000 spans of 418 wire bytes, CPU µs a span to write and to read, bytes a span: lz4 0.6 + 0.6,
218; zstd 1.4 + 3.2, 137; none 0.4 + 0.0, 648.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc

from quacktrace_collector.store.snapshot import FeedFile

_OPTIONS = pyarrow.ipc.IpcWriteOptions(compression="lz4", use_threads=False)


class FeedWriter:
    """Appends batches of one schema; only what `commit` made count is ever read, so a torn tail does no harm."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._length = 0
        self._written = 0

    def write(self, table: pa.Table) -> None:
        """Write all rows after those that count; they count from the next `commit` on, and are lost without one.

        Raises:
            OSError: the disk is full, say.
        """
        self._written = self._length
        if not table.num_rows:
            return
        sink = pa.BufferOutputStream()
        writer = pyarrow.ipc.new_stream(sink, self._schema, options=_OPTIONS)
        writer.write_table(table)
        # A stream opens with the schema: only the first append keeps it. It is left without its end marker.
        header = self._schema.serialize().size if self._length else 0
        payload = memoryview(sink.getvalue())[header:]
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


def read_feed(file: FeedFile) -> Iterator[pa.RecordBatch]:
    """The committed batches of a feed file, in order of commit."""
    if not file.length:
        return
    with pa.memory_map(str(file.path)) as source:
        prefix = pa.BufferReader(source.read_buffer(file.length))
        yield from pyarrow.ipc.open_stream(prefix)
