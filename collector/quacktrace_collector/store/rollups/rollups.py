"""The rollups of everything that is stored: those of sealed segments from their files, those of hot generations live.

Each span is folded once, by whoever needs it first: a reader that wants what is hot, or the sealer.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq

from quacktrace_collector.schema import SPANS, TIMESTAMP
from quacktrace_collector.store.hot.feed import read_feed
from quacktrace_collector.store.id_numbers import Numbers
from quacktrace_collector.store.rollups.cache import FRAME_OF, MINUTE_NS, WHOLE, RollupCache
from quacktrace_collector.store.rollups.calls import Part, join_parts
from quacktrace_collector.store.rollups.files import read_rollup_table
from quacktrace_collector.store.rollups.fold import ORIGIN_COLUMNS, SPAN_COLUMNS, Fold
from quacktrace_collector.store.rollups.frame import Frame
from quacktrace_collector.store.rollups.tables import SCHEMAS, Rollup, empty_rollup, merge_rollups, sum_entries
from quacktrace_collector.store.rollups.trace_frame import TraceFrame
from quacktrace_collector.store.snapshot import OPEN_SPANS_ID, Feed, FeedFile, Segment, Snapshot
from quacktrace_collector.time_range import TimeRange

# 24 bytes a span and what waits: the newest 1.5 million spans or so can be found as parents, children and linked spans.
_FOLD_BYTES: Final = 48 << 20
_REPLAYED_SPANS: Final = 500_000
_KEPT_FINISHED: Final = 8
_KEPT_FINISHED_S: Final = 60.0


@dataclass(slots=True)
class _Generation:
    """What of a hot generation is folded."""

    spans_length: int = 0
    rollups: list[Rollup] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Finished:
    rollup: Rollup
    at_s: float
    """When its generation was sealed, by the monotonic clock."""


class Rollups:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fold: Fold | None = None
        self._generations: dict[int, _Generation] = {}
        self._finished: OrderedDict[int, _Finished] = OrderedDict()
        self._cache = RollupCache(recompute)

    def finish(self, feed: Feed, segments: Sequence[Segment]) -> Rollup:
        """The rollup of the oldest hot generation, which is full; `segments` is what was sealed before it."""
        with self._lock:
            self._advance([feed], segments)
            generation = self._generations[feed.generation_id]
            rollup = merge_rollups(generation.rollups) if generation.rollups else empty_rollup()
            if len(generation.parts) > 1 and self._fold is not None:
                self._fold.replace(generation.parts, join_parts(generation.parts))
            generation.rollups = [rollup]
            return rollup

    def finished(self, generation_id: int) -> None:
        """The generation is sealed; readers that began before may still ask for it."""
        with self._lock:
            generation = self._generations.pop(generation_id, _Generation())
            rollup = generation.rollups[0] if generation.rollups else empty_rollup()
            self._finished[generation_id] = _Finished(rollup, time.monotonic())
            old_s = time.monotonic() - _KEPT_FINISHED_S
            while len(self._finished) > _KEPT_FINISHED or next(iter(self._finished.values())).at_s < old_s:
                self._finished.popitem(last=False)

    def rows(self, name: str, snapshot: Snapshot, time_range: TimeRange, *, grain_ns: int = WHOLE) -> list[pa.Table]:
        """Tables of `red`, `entries` (see `sum_entries`), `edges` or `instances` with the rows of the range's minutes.

        A row may stand for as many minutes as lie between two multiples of `grain_ns`: for all that there are if it is
        WHOLE, for one if it is a minute.
        """
        tables = [
            _within(self._cache.table(segment, name, grain_ns=grain), "minute", part)
            for segment, grain, part in _sealed_parts(snapshot, time_range, grain_ns)
        ]
        for rollup in self._hot(snapshot):
            table = sum_entries(rollup.red) if name == "entries" else rollup.tables()[name]
            tables.append(_within(table, "minute", time_range))
        return [table for table in tables if table.num_rows]

    def frame(self, name: str, snapshot: Snapshot, time_range: TimeRange) -> Frame:
        """The same for sums over the range, without the examples' ids."""
        frames = [
            self._cache.frame(segment, name, part, grain_ns=grain)
            for segment, grain, part in _sealed_parts(snapshot, time_range, WHOLE)
        ]
        hot = []
        for rollup in self._hot(snapshot):
            table = sum_entries(rollup.red) if name == "entries" else rollup.tables()[name]
            hot.append(_within(table, "minute", time_range))
        return Frame.joined([*frames, FRAME_OF[name](hot)])

    def warm(self, snapshot: Snapshot, stopping: threading.Event) -> None:
        """Fold what is hot, and read the sums of the newest segments that overviews ask for.

        Between segments it waits as long as the last one took: questions that are asked meanwhile get half of a core.
        """
        self._hot(snapshot)
        for segment in reversed(snapshot.segments):
            began = time.monotonic()
            if segment.span_count and not self._cache.warm(segment):
                return
            if stopping.wait(time.monotonic() - began):
                return

    def traces(self, snapshot: Snapshot, time_range: TimeRange) -> list[pa.Table]:
        """Rows of the trace index that start in the range; one trace can have several, in different tables."""
        tables = [
            _within(table, "start_time", time_range)
            for segment in snapshot.segments
            if segment.span_count and time_range.overlaps(segment.first_start_ns, segment.last_start_ns)
            for table in self._cache.traces(segment, time_range)
        ]
        tables += [_within(rollup.traces, "start_time", time_range) for rollup in self._hot(snapshot)]
        return [table for table in tables if table.num_rows]

    def trace_frame(self, snapshot: Snapshot, time_range: TimeRange) -> TraceFrame:
        """The same in numpy, in no order, without the services."""
        frames = [
            self._cache.trace_frame(segment)
            for segment in snapshot.segments
            if segment.span_count and time_range.overlaps(segment.first_start_ns, segment.last_start_ns)
        ]
        frames += [TraceFrame.of(rollup.traces) for rollup in self._hot(snapshot)]
        return TraceFrame.joined([frame.within(time_range.from_ns, time_range.to_ns) for frame in frames])

    def traces_of(self, snapshot: Snapshot, time_range: TimeRange, traces: Numbers) -> list[pa.Table]:
        """Rows of the trace index of a few traces that start in the range."""
        tables = []
        for segment in snapshot.segments:
            if segment.span_count and time_range.overlaps(segment.first_start_ns, segment.last_start_ns):
                rows = self._cache.trace_frame(segment).rows_of(traces)
                if len(rows):
                    tables.append(_within(self._cache.traces_at(segment, rows), "start_time", time_range))
        for rollup in self._hot(snapshot):
            rows = TraceFrame.of(rollup.traces).rows_of(traces)
            tables.append(_within(rollup.traces.take(rows), "start_time", time_range))
        return [table for table in tables if table.num_rows]

    def _hot(self, snapshot: Snapshot) -> Iterable[Rollup]:
        with self._lock:
            self._advance(snapshot.feeds, snapshot.segments)
            rollups: list[Rollup] = []
            for feed in snapshot.feeds:
                generation = self._generations.get(feed.generation_id)
                if generation is not None:
                    if len(generation.rollups) > 1:
                        generation.rollups = [merge_rollups(generation.rollups)]
                    rollups.extend(generation.rollups)
                elif feed.generation_id in self._finished:
                    rollups.append(self._finished[feed.generation_id].rollup)
            return rollups

    def _advance(self, feeds: Sequence[Feed], segments: Sequence[Segment]) -> None:
        for feed in feeds:
            if feed.generation_id in self._finished or feed.generation_id == OPEN_SPANS_ID:
                continue
            generation = self._generations.setdefault(feed.generation_id, _Generation())
            if feed.spans.length <= generation.spans_length:
                continue
            fold = self._fold = self._fold or _replayed(segments)
            spans = _flat(_read_spans(feed.spans, generation.spans_length), feed.origins)
            try:
                rollup, part = fold.add(spans)
            except BaseException:
                # It may have counted half of them: begin anew from what is stored.
                self._fold, self._generations = None, {}
                raise
            generation.rollups.append(rollup)
            generation.parts.append(part)
            generation.spans_length = feed.spans.length


def recompute(segment: Segment) -> Rollup:
    """From the segment's spans alone: what they change in other segments is not in it."""
    return Fold(most_bytes=0).add(_sealed_spans(segment))[0]


def load_rollup(segment: Segment) -> Rollup:
    """From the segment's files; what is absent or damaged, from its spans."""
    tables = {}
    for name in SCHEMAS:
        try:
            tables[name] = read_rollup_table(segment.path, name)
        except (OSError, pa.ArrowInvalid):
            tables[name] = recompute(segment).tables()[name]
    return Rollup(**tables)


def _sealed_parts(snapshot: Snapshot, time_range: TimeRange, grain_ns: int) -> Iterator[tuple[Segment, int, TimeRange]]:
    """Which sealed rows make up the range: the grain to read a segment by, and between which minutes."""
    for segment in snapshot.segments:
        if not segment.span_count or not time_range.overlaps(segment.first_minute_ns, segment.last_minute_ns):
            continue
        if grain_ns == WHOLE:
            is_whole = time_range.from_ns <= segment.first_minute_ns and segment.last_minute_ns < time_range.to_ns
            yield segment, WHOLE if is_whole else MINUTE_NS, time_range
            continue
        # Between the first and the last multiple of the grain; the minutes before and after it one by one.
        first, last = -(-time_range.from_ns // grain_ns) * grain_ns, time_range.to_ns // grain_ns * grain_ns
        if first >= last:
            yield segment, MINUTE_NS, time_range
            continue
        for part in (TimeRange(time_range.from_ns, first), TimeRange(last, time_range.to_ns)):
            if part.from_ns < part.to_ns and part.overlaps(segment.first_minute_ns, segment.last_minute_ns):
                yield segment, MINUTE_NS, part
        yield segment, grain_ns, TimeRange(first, last)


def _within(table: pa.Table, column: str, time_range: TimeRange) -> pa.Table:
    """The rows in the range of a table that is in order of this column."""
    times = table[column].cast(pa.int64()).to_numpy()
    first, end = np.searchsorted(times, [time_range.from_ns, time_range.to_ns]).tolist()
    return table.slice(first, end - first)


def _replayed(segments: Sequence[Segment]) -> Fold:
    """What a fold knows after the newest segments: after a restart, only those are read again."""
    fold = Fold(most_bytes=_FOLD_BYTES)
    newest: list[Segment] = []
    for segment in reversed(segments):
        if sum(one.span_count for one in newest) >= _REPLAYED_SPANS:
            break
        if segment.span_count:
            newest.append(segment)
    for segment in reversed(newest):
        fold.add(_sealed_spans(segment))
    return fold


def _sealed_spans(segment: Segment) -> pa.Table:
    columns = [name for name in SPAN_COLUMNS if name != "links"]
    columns += ["links.list.element.trace_id", "links.list.element.span_id", *ORIGIN_COLUMNS]
    with pq.ParquetFile(segment.spans_path) as file:
        spans = file.read(columns=columns, use_threads=False)
    # Stored only where it is not start + duration.
    ends = pc.add(spans["start_time"].cast(pa.int64()), spans["duration_ns"]).cast(TIMESTAMP)
    place = spans.schema.get_field_index("end_time")
    return spans.set_column(place, "end_time", pc.coalesce(spans["end_time"], ends))


def _read_spans(file: FeedFile, start: int) -> pa.Table:
    """The batches after the first `start` bytes, without the columns that rollups do not need."""
    names = [*SPAN_COLUMNS, "origin_id"]
    options = pyarrow.ipc.IpcReadOptions(
        included_fields=[SPANS.get_field_index(name) for name in names], use_threads=False
    )
    with pa.memory_map(str(file.path)) as source:
        if not start:
            return pyarrow.ipc.open_stream(pa.BufferReader(source.read_buffer(file.length)), options=options).read_all()
        source.seek(start)
        # A stream opens with its schema.
        batches = b"".join([memoryview(SPANS.serialize()), memoryview(source.read_buffer(file.length - start))])
        return pyarrow.ipc.open_stream(pa.py_buffer(batches), options=options).read_all()


def _flat(spans: pa.Table, origins_file: FeedFile) -> pa.Table:
    """With the columns of their origins."""
    origins = pa.Table.from_batches(read_feed(origins_file)).combine_chunks()
    rows: Any = pc.index_in(spans["origin_id"], value_set=origins["origin_id"].combine_chunks())
    for name in ORIGIN_COLUMNS:
        encoded = origins[name].combine_chunks().dictionary_encode()
        indices = encoded.indices.take(rows.combine_chunks())
        spans = spans.append_column(name, pa.DictionaryArray.from_arrays(indices, encoded.dictionary))
    return spans.drop_columns(["origin_id"])
