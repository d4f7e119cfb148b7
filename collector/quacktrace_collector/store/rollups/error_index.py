"""The failures of everything that is stored: of segments from their files, of hot generations from their rows."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from quacktrace_collector.store.durable import replace_durably, sync
from quacktrace_collector.store.hot.rows import Rows
from quacktrace_collector.store.public_rows import with_origins
from quacktrace_collector.store.recent_values import RecentValues
from quacktrace_collector.store.rollups.error_rows import (
    ERRORS,
    FILE,
    NEEDED,
    ErrorRows,
    error_table,
    errors_of_spans,
    read_errors,
    write_errors,
)
from quacktrace_collector.store.rollups.frame import compute
from quacktrace_collector.store.sealed.checksums import METADATA, check_file, with_checksum_of
from quacktrace_collector.store.snapshot import Segment, Snapshot
from quacktrace_collector.time_range import TimeRange

_KEPT_BYTES: Final = 24 << 20
"""Of half a million failures."""
_ORIGIN_COLUMNS: Final = ("service_name", "service_version", "service_instance_id")


class ErrorIndex:
    """Thread-safe."""

    def __init__(self) -> None:
        self._kept = RecentValues(_KEPT_BYTES)

    def rows(self, snapshot: Snapshot, time_range: TimeRange) -> ErrorRows:
        """Those that start in the range."""
        found = [
            self._sealed(segment)
            for segment in snapshot.segments
            if segment.span_count and time_range.overlaps(segment.first_start_ns, segment.last_start_ns)
        ]
        found += [
            ErrorRows.of(_hot(generation.rows.read("spans", generation.feed)))
            for generation in snapshot.hot
            if generation.holds("spans", time_range)
        ]
        parts = [rows.within(time_range.from_ns, time_range.to_ns) for rows in found]
        return ErrorRows.joined(parts or [ErrorRows.of(ERRORS.empty_table())])

    def _sealed(self, segment: Segment) -> ErrorRows:
        key = segment.path
        return self._kept.get(key, lambda: ErrorRows.of(load_errors(segment)), lambda rows: rows.size_bytes)


def load_errors(segment: Segment) -> pa.Table:
    """From the segment's file; where that is absent or damaged, from its spans."""
    try:
        check_file(segment.path, FILE)
        return read_errors(segment.path)
    except (OSError, pa.ArrowInvalid):
        return errors_of_spans(segment.spans_path)


def has_errors_file(segment: Segment) -> bool:
    """False of what was sealed before there were such files."""
    return not segment.span_count or (segment.path / FILE).exists()


def add_errors_file(segment: Segment) -> None:
    """Make it from the spans, a row group at a time; called by the only thread that writes segments."""
    temporary = segment.path / f".{FILE}"
    write_errors(errors_of_spans(segment.spans_path), temporary)
    sync(temporary)
    temporary.rename(segment.path / FILE)
    replace_durably(segment.path / METADATA, with_checksum_of(segment.path, FILE))


def _hot(hot: Rows) -> pa.Table:
    failed = []
    for batch in hot.rows.to_batches():
        rows = np.flatnonzero(compute.equal(batch.column("status_code"), "ERROR").to_numpy(zero_copy_only=False))
        if len(rows):
            failed.append(batch.take(rows))
    if not failed:
        return ERRORS.empty_table()
    spans = with_origins(pa.Table.from_batches(failed), hot.origins, _ORIGIN_COLUMNS)
    return error_table(spans.select(NEEDED))
