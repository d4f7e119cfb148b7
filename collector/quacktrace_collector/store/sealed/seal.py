"""Sealing: a full generation becomes a segment of immutable Parquet files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.decode.arrow_views import Array
from quacktrace_collector.errors import StoreUnavailableError
from quacktrace_collector.schema import ATTRIBUTE_MAP, LOGS, ORIGIN_COLUMNS, ORIGINS, SPANS, TIMESTAMP
from quacktrace_collector.store.hot.feed import read_feed
from quacktrace_collector.store.rollups.error_rows import FILE, error_table, write_errors
from quacktrace_collector.store.rollups.files import minutes_of, write_rollup
from quacktrace_collector.store.rollups.tables import Rollup
from quacktrace_collector.store.sealed.parquet_files import in_row_groups, write_parquet
from quacktrace_collector.store.sealed.segment_files import commit_segment, new_segment_folder, segment_path
from quacktrace_collector.store.sealed.trace_places import TracePlaces
from quacktrace_collector.store.snapshot import Feed, FeedFile, Segment
from quacktrace_collector.store.time_bounds import TimeBounds


def seal(feed: Feed, sealed_dir: Path, *, span_count: int, log_count: int, rollup: Rollup | None) -> Segment:
    """Write a generation's rows, read from its feed, as segment `feed.generation_id`; durable when this returns.

    Without a rollup readers compute one from the spans.

    Raises:
        StoreUnavailableError: the feed does not hold `span_count` spans and `log_count` log records.
    """
    origins = _read(feed.origins, ORIGINS)
    spans = _flatten(_read(feed.spans, SPANS), origins)
    logs = _flatten(_read(feed.logs, LOGS), origins)
    if (spans.num_rows, logs.num_rows) != (span_count, log_count):
        raise StoreUnavailableError(
            f"generation {feed.generation_id} committed {span_count} spans and {log_count} log records, "
            f"its feed holds {spans.num_rows} and {logs.num_rows}"
        )
    path = segment_path(sealed_dir, feed.generation_id, feed.generation_id)
    with new_segment_folder(sealed_dir, path.name) as folder:
        start_times, log_times, received = TimeBounds(), TimeBounds(), TimeBounds()
        if spans.num_rows:
            places = TracePlaces()
            write_parquet(places.of(in_row_groups([spans])), folder / "spans.parquet", schema=spans.schema)
            places.write(folder, "spans")
            write_errors(error_table(spans), folder / FILE)
            start_times.include(spans["start_time"])
            received.include(spans["received_at"])
        if logs.num_rows:
            places = TracePlaces()
            write_parquet(places.of(in_row_groups([logs])), folder / "logs.parquet", schema=logs.schema)
            places.write(folder, "logs")
            log_times.include(logs["time"])
            received.include(logs["received_at"])
        minutes = None
        if rollup is not None:
            write_rollup(rollup, folder)
            minutes = minutes_of(rollup)
        return commit_segment(
            folder,
            Segment(
                segment_id=feed.generation_id,
                first_id=feed.generation_id,
                path=path,
                span_count=spans.num_rows,
                log_count=logs.num_rows,
                size_bytes=0,
                first_start_ns=start_times.first_ns or 0,
                last_start_ns=start_times.last_ns or 0,
                first_log_ns=log_times.first_ns or 0,
                last_log_ns=log_times.last_ns or 0,
                first_received_ns=received.first_ns or 0,
                last_received_ns=received.last_ns or 0,
                first_rollup_ns=minutes[0] if minutes else None,
                last_rollup_ns=minutes[1] if minutes else None,
            ),
        )


def _read(file: FeedFile, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(read_feed(file), schema)


def _flatten(table: pa.Table, origins: pa.Table) -> pa.Table:
    """The rows with the origin's columns in place of `origin_id`, attributes as MAP, and ends only where unusual.

    Rows stay in the order of their arrival. Sorting 200,000 spans by start time was measured: 3 µs of CPU a span more,
    and 54 bytes a span instead of 49, as it tears apart what one service sent in one batch; pruning goes by file.
    """
    table = table.combine_chunks()
    columns: dict[str, Array] = {}
    for name in table.column_names:
        if name == "attributes":
            columns[name] = _as_map(table[name])
        elif name == "end_time":
            columns[name] = _unusual_ends(table)
        elif name != "origin_id":
            columns[name] = table[name]
    columns.update(_origin_columns(table["origin_id"], origins))
    return pa.table(columns)


def _unusual_ends(spans: pa.Table) -> Array:
    """The end time where it is not start + duration (it ends before it starts), else NULL: 3.5 bytes a span less."""
    usual = pc.equal(
        spans["end_time"].cast(pa.int64()), pc.add(spans["start_time"].cast(pa.int64()), spans["duration_ns"])
    )
    return pc.if_else(usual, pa.scalar(None, TIMESTAMP), spans["end_time"])


def _as_map(attributes: Array) -> Array:
    """Lists of pairs as MAP: the same buffers, another type."""
    maps = []
    for lists in attributes.chunks:
        pairs = lists.values
        maps.append(pa.MapArray.from_arrays(lists.offsets, pairs.field("key"), pairs.field("value")))
    chunked: Array = pa.chunked_array
    return chunked(maps, type=ATTRIBUTE_MAP)


def _origin_columns(origin_id: Array, origins: pa.Table) -> dict[str, Array]:
    rows = pc.index_in(origin_id.combine_chunks(), value_set=origins["origin_id"].combine_chunks())
    columns = {}
    for name in ORIGIN_COLUMNS:
        # Encoded anew, as the Parquet writer takes a dictionary as it is only if its values are distinct.
        encoded: Array = origins[name].combine_chunks().dictionary_encode()
        columns[name] = pa.DictionaryArray.from_arrays(encoded.indices.take(rows), encoded.dictionary)
    return columns
