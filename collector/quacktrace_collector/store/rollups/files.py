"""A segment's rollups as files beside its spans."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from quacktrace_collector.store.rollups.tables import SCHEMAS, Rollup
from quacktrace_collector.store.rollups.traces import TRACES
from quacktrace_collector.store.sealed.checksums import check_file
from quacktrace_collector.time_range import TimeRange

_IDS: Final = ("trace_id", "example_trace_id", "root_span_id")
# The newest traces are read a row group at a time.
TRACE_ROW_GROUP_ROWS: Final = 8_192
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
    path = folder / f"{name}.parquet"
    check_file(folder, path.name)  # a flipped bit may well decode, to numbers that nothing else can do with
    table = pq.read_table(path, read_dictionary=_texts(schema), use_threads=False, partitioning=None)
    return table.cast(schema).combine_chunks()


@dataclass(frozen=True, slots=True)
class TraceFile:
    """The row groups of a segment's trace index and when the first trace of each starts."""

    path: Path
    first_ns: list[int]
    last_ns: list[int]

    @staticmethod
    def of(folder: Path) -> TraceFile:
        """Raises OSError or pa.ArrowInvalid when it is absent or damaged."""
        path = folder / "traces.parquet"
        metadata = pq.read_metadata(path)
        column = TRACES.get_field_index("start_time")
        groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
        bounds: list[Any] = [group.column(column).statistics for group in groups]
        if not all(one is not None and one.has_min_max for one in bounds):
            raise pa.ArrowInvalid(f"{path} has no bounds")
        return TraceFile(path, [one.min_raw for one in bounds], [one.max_raw for one in bounds])

    def row_groups(self, time_range: TimeRange) -> list[int]:
        """Those with traces that start in the range."""
        bounds = zip(self.first_ns, self.last_ns, strict=True)
        return [group for group, (first, last) in enumerate(bounds) if time_range.overlaps(first, last)]

    def read(self, row_group: int) -> pa.Table:
        """One chunk a column."""
        with pq.ParquetFile(self.path, read_dictionary=_texts(TRACES)) as file:
            return file.read_row_group(row_group, use_threads=False).cast(TRACES).combine_chunks()


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
        row_group_size=TRACE_ROW_GROUP_ROWS,
        store_schema=False,
    )


def _texts(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if pa.types.is_dictionary(field.type)]


def _is_map(field: Any) -> bool:
    return pa.types.is_map(field.type)
