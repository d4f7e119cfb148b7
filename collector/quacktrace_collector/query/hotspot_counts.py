"""Calls of a range and of the one before it: from rollups or, for buckets below a minute, from spans, in one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.query.buckets import Buckets
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import clamp_time
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.frame import Frame
from quacktrace_collector.store.rollups.histogram import Integers
from quacktrace_collector.store.rollups.tables import red_frame
from quacktrace_collector.time_range import TimeRange


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of calls with the same operation, of the same bucket."""

    frame: Frame
    """Texts service_name, name, kind; numbers is_entry, calls, errors, duration_sum_ns, example_score; durations."""
    bucket: Integers
    """By row; -1 for those of the range before."""
    example_trace_ids: pa.ChunkedArray[Any]
    """By row."""

    @property
    def is_current(self) -> npt.NDArray[np.bool_]:
        """By row."""
        return self.bucket >= 0

    def where(self, keep: npt.NDArray[np.bool_]) -> Counts:
        """The rows in `keep`."""
        return Counts(self.frame.where(keep), self.bucket[keep], self.example_trace_ids.filter(pa.array(keep)))


def count_calls(store: Store, window: Window, cut: Buckets, *, service: str | None) -> Counts:
    """Of the window and of as long a time just before it."""
    length = window.to_ns - window.from_ns
    previous = TimeRange(clamp_time(window.from_ns - length), window.from_ns)
    if cut.are_whole_minutes:
        current_tables = store.rollup_rows("red", window.minutes, grain_ns=cut.grain_ns)
        previous_tables = store.rollup_rows("red", previous)
    else:
        current_tables = [_from_spans(store, window, cut)]
        previous_tables = [_from_spans(store, Window(previous.from_ns, previous.to_ns, window.extent), cut)]
    counts = _joined(current_tables, previous_tables, cut)
    if service is None:
        return counts
    names = counts.frame.texts["service_name"]
    return counts.where(names.codes == (names.values.index(service) if service in names.values else -1))


def _joined(current: Sequence[pa.Table], previous: Sequence[pa.Table], cut: Buckets) -> Counts:
    tables = [*current, *previous]
    frame = red_frame(tables)
    bucket = (frame.numbers["minute"] - cut.origin_ns) // cut.length_ns
    bucket[sum(table.num_rows for table in current) :] = -1
    ids = pa.chunked_array([chunk for table in tables for chunk in table["example_trace_id"].chunks], pa.string())
    return Counts(frame, bucket, ids)


def _from_spans(store: Store, window: Window, cut: Buckets) -> pa.Table:
    """Rows like a rollup's whose "minute" is the start of a bucket."""
    return store.query(
        Query.HOTSPOTS.sql,
        {**window.pairing_parameters(), "origin_ns": cut.origin_ns, "bucket_ns": cut.length_ns},
        time_range=window.reach,
    )
