"""Reads hot generations' feeds as they grow: each query adds only the batches committed since the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.ipc

from quacktrace_collector.schema import LOGS, ORIGINS, SPANS

__all__ = ["EMPTY_RELATIONS", "Feeds", "relation_name"]

_KEY: Final = "origin_id"


def _with_signed_key(schema: pa.Schema) -> pa.Schema:
    """DuckDB 1.5 hands a join's bounds to pyarrow as signed integers, which an unsigned key overflows."""
    index = schema.get_field_index(_KEY)
    return schema.set(index, pa.field(_KEY, pa.int64()))


_SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    kind: _with_signed_key(schema) for kind, schema in (("spans", SPANS), ("origins", ORIGINS), ("logs", LOGS))
}
# A commit may hold a few rows; scanning thousands of such batches costs more than joining them once.
_MAX_JOINED_ROWS: Final = 65_536
_MAX_JOINED_BYTES: Final = 64 << 20

# The stubs lag behind pyarrow 21.
_concat_batches: Final[Callable[[list[pa.RecordBatch]], pa.RecordBatch]] = getattr(pa, "concat_batches")  # noqa: B009

EMPTY_RELATIONS: Final[Mapping[str, str]] = {kind: f"_empty_{kind}" for kind in _SCHEMAS}


def relation_name(kind: str, generation_id: int) -> str:
    """The relation under which a generation's rows of this kind are registered."""
    return f"_feed_{kind}_{generation_id}"


class Registry(Protocol):
    """The part of a DuckDB connection that feeds need."""

    def register(self, view_name: str, python_object: object) -> object:
        """Make an Arrow object readable under a name."""

    def unregister(self, view_name: str) -> object:
        """Forget the name."""


class RecordBatches:
    """Batches that DuckDB can scan again and again through Arrow's C stream; needs no pyarrow.dataset (15 MB)."""

    def __init__(self, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        self._table: Any = pa.Table.from_batches(list(batches), schema=schema)

    def __arrow_c_schema__(self) -> object:
        schema: object = self._table.schema.__arrow_c_schema__()
        return schema

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        stream: object = self._table.__arrow_c_stream__(requested_schema)
        return stream


class Feeds:
    """Keeps the relations of a connection equal to the feeds of the snapshot it was last given."""

    def __init__(self, connection: Registry) -> None:
        self._connection = connection
        self._files: dict[str, _FeedFile] = {}
        for kind, schema in _SCHEMAS.items():
            connection.register(EMPTY_RELATIONS[kind], RecordBatches(schema, ()))

    def refresh(self, feeds: Iterable[Mapping[str, Any]]) -> None:
        """Read what is new, forget generations that are gone. A feed is `{"id": 1, "spans": [path, length], …}`."""
        seen: set[str] = set()
        for feed in feeds:
            for kind, schema in _SCHEMAS.items():
                path, length = feed[kind]
                name = relation_name(kind, feed["id"])
                seen.add(name)
                file = self._files.get(name)
                if file is None or file.path != path:
                    file = self._files[name] = _FeedFile(path, schema)
                if file.read_to(length) or not file.is_registered:
                    self._connection.register(name, RecordBatches(schema, file.batches))
                    file.is_registered = True
        for name in self._files.keys() - seen:
            self._connection.unregister(name)
            self._files.pop(name).close()


@dataclass(slots=True)
class _FeedFile:
    path: str
    schema: pa.Schema
    batches: list[pa.RecordBatch] = field(default_factory=list)
    is_registered: bool = False
    _source: pa.NativeFile | None = None
    _next: Callable[[], pa.RecordBatch] | None = None

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

    def close(self) -> None:
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
