"""A segment's rollups as files beside its spans."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from quacktrace_collector.store.rollup_tables import SCHEMAS, Rollup

_IDS: Final = ("trace_id", "example_trace_id", "root_span_id")
# The newest traces are read a row group at a time.
_ROW_GROUP_ROWS: Final = 8_192
_DELTA: Final = ("start_time", "end_time", "root_start_time", "root_duration_ns", "last_start_time")


def write_rollup(rollup: Rollup, folder: Path) -> None:
    """One Parquet file a table; the caller makes them durable."""
    for name, table in rollup.tables().items():
        _write(table, folder / f"{name}.parquet")


def read_rollup_table(folder: Path, name: str) -> pa.Table:
    """`red`, `edges`, `instances` or `traces` of a segment, one chunk a column.

    Raises:
        OSError, pa.ArrowInvalid: it is absent or damaged.
    """
    schema = SCHEMAS[name]
    texts = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    table = pq.read_table(folder / f"{name}.parquet", read_dictionary=texts, use_threads=False, partitioning=None)
    return table.cast(schema).combine_chunks()


def minutes_of(rollup: Rollup) -> tuple[int, int] | None:
    """Start of the first and of the last minute that has a row, corrections of earlier parts included."""
    columns = [table["minute"].cast(pa.int64()).to_numpy() for table in (rollup.red, rollup.edges, rollup.instances)]
    minutes = np.concatenate(columns)
    return (int(minutes.min()), int(minutes.max())) if len(minutes) else None


def _write(table: pa.Table, path: Path) -> None:
    encodings: dict[str, str] = {name: "DELTA_BINARY_PACKED" for name in _DELTA if name in table.column_names}
    encodings |= {name: "DELTA_LENGTH_BYTE_ARRAY" for name in _IDS if name in table.column_names}
    leaves = [
        leaf
        for field in table.schema
        for leaf in (
            (f"{field.name}.key_value.key", f"{field.name}.key_value.value") if _is_map(field) else (field.name,)
        )
    ]
    dictionaries: Any = [leaf for leaf in leaves if leaf not in encodings]
    pq.write_table(
        table,
        path,
        compression="zstd",
        use_dictionary=dictionaries,
        column_encoding=encodings,
        row_group_size=_ROW_GROUP_ROWS,
        store_schema=False,
    )


def _is_map(field: Any) -> bool:
    return pa.types.is_map(field.type)
