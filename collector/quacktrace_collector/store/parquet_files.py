"""How sealed Parquet files are written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_ROWS: Final = 100_000

# Dictionaries pay where values repeat; ids and times do not, and trying costs the writer a hash table.
_UNIQUE: Final = frozenset(
    {"span_id", "parent_span_id", "start_time", "end_time", "duration_ns", "time", "observed_time"}
)
_DELTA: Final = ("start_time", "end_time", "duration_ns", "time", "observed_time")


def write_parquet(
    tables: Iterable[pa.Table], path: Path, *, schema: pa.Schema, bloom_filters: tuple[str, ...] = ()
) -> int:
    """Write tables of one schema one after the other, rows in their order; returns how many rows that were."""
    dictionaries: Any = [column for column in _leaf_paths(schema) if column not in _UNIQUE]
    rows = 0
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=dictionaries,
        column_encoding={name: "DELTA_BINARY_PACKED" for name in _DELTA if name in schema.names},
        bloom_filter_options={name: {"ndv": ROW_GROUP_ROWS, "fpp": 0.01} for name in bloom_filters},
        store_schema=False,
    ) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
            rows += table.num_rows
    return rows


def _leaf_paths(schema: pa.Schema) -> list[str]:
    """Column paths as Parquet spells them, nested columns down to their leaves."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    parquet = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    return [parquet.column(index).path for index in range(len(parquet))]
