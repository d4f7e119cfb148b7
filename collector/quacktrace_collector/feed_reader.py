"""Reads a feed file as it grows: each time only the batches committed since the last one are decoded.

The store reads the feeds of its own hot generations like this, and so do the SQL workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.ipc

from quacktrace_collector.schema import LOGS, ORIGINS, SPANS

__all__ = ["FEED_SCHEMAS", "FeedReader", "RecordBatches"]

_KEY: Final = "origin_id"


def _with_signed_key(schema: pa.Schema) -> pa.Schema:
    """DuckDB 1.5 hands a join's bounds to pyarrow as signed integers, which an unsigned key overflows."""
    index = schema.get_field_index(_KEY)
    return schema.set(index, pa.field(_KEY, pa.int64()))


FEED_SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    kind: _with_signed_key(schema) for kind, schema in (("spans", SPANS), ("origins", ORIGINS), ("logs", LOGS))
}
"""What a reader gives: the columns as they are written, with `origin_id` as a signed integer."""

# A commit may hold a few rows; scanning thousands of such batches costs more than joining them once.
_MAX_JOINED_ROWS: Final = 65_536
_MAX_JOINED_BYTES: Final = 64 << 20

# The stubs lag behind pyarrow 21.
_concat_batches: Final[Callable[[list[pa.RecordBatch]], pa.RecordBatch]] = getattr(pa, "concat_batches")  # noqa: B009


class RecordBatches:
    """A table that DuckDB can scan again and again through Arrow's C stream; needs no pyarrow.dataset (15 MB)."""

    def __init__(self, table: pa.Table) -> None:
        self._table: Any = table

    def __arrow_c_schema__(self) -> object:
        schema: object = self._table.schema.__arrow_c_schema__()
        return schema

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        stream: object = self._table.__arrow_c_stream__(requested_schema)
        return stream


class FeedReader:
    """The decoded batches of one feed file; used by one thread at a time."""

    def __init__(self, path: Path | str, kind: str) -> None:
        self.path = str(path)
        self.schema = FEED_SCHEMAS[kind]
        self.batches: list[pa.RecordBatch] = []
        self._source: pa.NativeFile | None = None
        self._next: Callable[[], pa.RecordBatch] | None = None

    def read_to(self, length: int) -> bool:
        """Read the batches before `length`, which ends a batch; True if there were any."""
        if not length:
            return False
        if self._source is None or self._next is None:
            self._source = pa.OSFile(self.path, "r")
            self._next = pyarrow.ipc.open_stream(self._source).read_next_batch
        has_grown = False
        while self._source.tell() < length:
            self._add(self._next())
            has_grown = True
        return has_grown

    def table(self) -> pa.Table:
        """All batches read so far."""
        return pa.Table.from_batches(self.batches, self.schema)

    def close(self) -> None:
        """Let go of the file."""
        if self._source is not None:
            self._source.close()

    def _add(self, batch: pa.RecordBatch) -> None:
        index = self.schema.get_field_index(_KEY)
        columns = batch.columns
        columns[index] = columns[index].view(pa.int64())
        self.batches.append(pa.record_batch(columns, schema=self.schema))
        while len(self.batches) > 1 and self._should_join(*self.batches[-2:]):
            last = self.batches.pop()
            self.batches.append(_concat_batches([self.batches.pop(), last]))

    @staticmethod
    def _should_join(before: pa.RecordBatch, last: pa.RecordBatch) -> bool:
        return (
            before.num_rows <= 2 * last.num_rows
            and before.num_rows + last.num_rows <= _MAX_JOINED_ROWS
            and before.nbytes + last.nbytes <= _MAX_JOINED_BYTES
        )
