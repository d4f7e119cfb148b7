"""How sealed Parquet files are written.

Row groups are small, as a reader of one trace decodes whole row groups. Of 100,000 spans of the shared corpus, with the
encodings below: 100,000 rows a group are 44.0 bytes a span and 140 ms for the attributes of one group, 50,000 rows 43.5
and 26, 16,384 rows 45.2 and 8, 10,000 rows 45.6 and 5; the footer grows by 7 bytes a column and 1,000 spans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from quacktrace_collector.schema import OPEN_STATE_KEY
from quacktrace_collector.store.rollups.frame import compute, map_of

ROW_GROUP_ROWS: Final = 10_000
NO_OPEN_SPANS: Final = "quacktrace.no_open_spans"
"""In a file's metadata: whoever wants to know whether a span is open need not decode attributes to see that none is."""

# Dictionaries pay where values repeat; ids and times do not, and trying costs the writer a hash table.
_DELTA: Final = ("start_time", "end_time", "duration_ns", "time", "observed_time")
# Without a length before each, ids are hex digits and nothing else: zstd makes 8.06 bytes of a span id, not 8.96.
_IDS: Final = ("trace_id", "span_id", "parent_span_id")
# What prunes row groups; bounds of the other columns would be half the footer.
_WITH_BOUNDS: Final = (
    *("start_time", "duration_ns", "received_at", "time", "severity_number"),
    *("service_name", "status_code", "http_response_status_code"),
)
_BLOOM_MARGIN: Final = 1.25
# A dictionary this small may be written whole with every row group.
_SMALL_DICTIONARY: Final = 256


def write_parquet(row_groups: Iterable[pa.Table], path: Path, *, schema: pa.Schema) -> None:
    """Write each table as a row group, with a Bloom filter on its trace ids."""
    row_groups = iter(row_groups)
    first = next(row_groups, schema.empty_table())
    encodings: dict[str, str] = {name: "DELTA_BINARY_PACKED" for name in _DELTA if name in schema.names}
    encodings |= {name: "DELTA_LENGTH_BYTE_ARRAY" for name in _IDS if name in schema.names}
    dictionaries: Any = [column for column in _leaf_paths(schema) if column not in encodings]
    traces = int(compute.count_distinct(first["trace_id"]).as_py() * _BLOOM_MARGIN) + 1
    bounds: Any = [name for name in _WITH_BOUNDS if name in schema.names]
    has_open_spans = False
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=dictionaries,
        column_encoding=encodings,
        bloom_filter_options={"trace_id": {"ndv": traces, "fpp": 0.01}},
        write_statistics=bounds,
        store_schema=False,
    ) as writer:
        for table in chain([first], row_groups):
            has_open_spans = has_open_spans or _has_open_spans(table)
            writer.write_table(_with_small_dictionaries(table), row_group_size=ROW_GROUP_ROWS)
        if not has_open_spans:
            writer.add_key_value_metadata({NO_OPEN_SPANS: "true"})


def in_row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of `ROW_GROUP_ROWS`, the last of which may be smaller."""
    rest: pa.Table | None = None
    for table in tables:
        joined = table if rest is None else pa.concat_tables([rest, table])
        whole = joined.num_rows // ROW_GROUP_ROWS * ROW_GROUP_ROWS
        for start in range(0, whole, ROW_GROUP_ROWS):
            yield joined.slice(start, ROW_GROUP_ROWS)
        rest = joined.slice(whole) if whole < joined.num_rows else None
    if rest is not None:
        yield rest


def _has_open_spans(table: pa.Table) -> bool:
    for chunk in table["attributes"].chunks:
        keys = map_of(chunk).keys
        if len(keys) and compute.any(compute.equal(keys, OPEN_STATE_KEY)).as_py():
            return True
    return False


def _with_small_dictionaries(table: pa.Table) -> pa.Table:
    """Large dictionaries are encoded anew with the values that this row group has."""
    for index, column in enumerate(table.columns):
        chunks: Any = column.chunks
        if pa.types.is_dictionary(column.type) and any(len(one.dictionary) > _SMALL_DICTIONARY for one in chunks):
            decoded: Any = column.cast(column.type.value_type)
            table = table.set_column(index, table.schema.field(index), decoded.dictionary_encode())
    return table


def _leaf_paths(schema: pa.Schema) -> list[str]:
    """Column paths as Parquet spells them, nested columns down to their leaves."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    parquet = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    return [parquet.column(index).path for index in range(len(parquet))]
