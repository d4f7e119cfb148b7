"""What a generation's feed holds beyond its log: everything when the log is damaged, the rest when it was cut short.

A batch goes into the feed before it is committed to DuckDB's log, so each of the two can stand for the other. The log
is what counts after a crash: a batch that the feed alone has was hardly ever acknowledged, but it may have been, and
its spans are stored once however often they come. Log records are not, so a single last commit of them stays out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc

from quacktrace_collector.decode import Decoded, Origin


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Rows to be stored again, and the files that can go once they are."""

    spans: Decoded | None
    logs: Decoded | None
    files: Sequence[Path] = field(default=())

    def forget(self) -> None:
        """They are stored."""
        for path in self.files:
            path.unlink(missing_ok=True)


def read_leftovers(
    feeds: Mapping[str, Path], schemas: Mapping[str, pa.Schema], committed: Mapping[str, int] | None
) -> Leftovers | None:
    """What the feeds hold after these bytes, which their header does not count in; None: the log cannot be read."""
    found = {
        name: _sound_batches(feeds[name], schemas[name], committed[name] if committed else 0)
        for name in ("spans", "logs")
        if name in feeds
    }
    spans, logs = found.get("spans", []), found.get("logs", [])
    if committed is not None and len(spans) <= 1 and len(logs) <= 1:
        logs = []
    if not (spans or logs) or "origins" not in feeds:
        return None
    origins = _origins(_sound_batches(feeds["origins"], schemas["origins"], 0))
    return Leftovers(
        _decoded(spans, schemas["spans"], origins), _decoded(logs, schemas["logs"], origins), tuple(feeds.values())
    )


def _sound_batches(path: Path, schema: pa.Schema, committed: int) -> list[pa.RecordBatch]:
    header = schema.serialize().to_pybytes()
    with path.open("rb") as file:
        file.seek(len(header) + committed)
        rest = file.read()
    batches: list[pa.RecordBatch] = []
    if not rest:
        return batches
    try:
        for batch in pyarrow.ipc.open_stream(header + rest):
            batch.validate(full=True)
            batches.append(batch)
    except (pa.ArrowException, OSError, ValueError):
        return batches  # torn, or damaged: those before it are sound
    return batches


def _origins(batches: list[pa.RecordBatch]) -> dict[int, Origin]:
    origins: dict[int, Origin] = {}
    for batch in batches:
        columns: Any = [column.to_pylist() for column in batch.columns]
        for origin_id, *values in zip(*columns, strict=True):
            origins[origin_id] = Origin(origin_id, tuple(values))
    return origins


def _decoded(batches: list[pa.RecordBatch], schema: pa.Schema, origins: Mapping[int, Origin]) -> Decoded | None:
    if not batches:
        return None
    table = pa.Table.from_batches(batches, schema)
    known = pa.array(list(origins), schema.field("origin_id").type)
    table = table.filter(pc.is_in(table["origin_id"], value_set=known))
    return Decoded(table, [], origins, [], {})
