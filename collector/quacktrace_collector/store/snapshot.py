"""What a reader sees: the immutable set of hot generations and sealed segments at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from quacktrace_collector.store.rollup_files import may_hold_trace
from quacktrace_collector.store.views import Kind, hot_relation, sealed_relation
from quacktrace_collector.time_range import TimeRange

_MINUTE_NS: Final = 60 * 10**9


@dataclass(frozen=True, slots=True)
class FeedFile:
    """An Arrow IPC stream file of which the first `length` bytes are committed."""

    path: Path
    length: int


@dataclass(frozen=True, slots=True)
class Feed:
    """What a hot generation holds, readable by another process."""

    generation_id: int
    spans: FeedFile
    origins: FeedFile
    logs: FeedFile


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed folder of immutable Parquet files; times are nanoseconds since the epoch, inclusive on both ends.

    It holds the rows of the generations `first_id` to `segment_id`.
    """

    segment_id: int
    first_id: int
    path: Path
    span_count: int
    log_count: int
    size_bytes: int
    first_start_ns: int
    last_start_ns: int
    first_log_ns: int
    last_log_ns: int
    first_received_ns: int
    last_received_ns: int
    first_rollup_ns: int | None = None
    """Start of the first minute that its rollups have a row of; before its own spans where it corrects others."""
    last_rollup_ns: int | None = None
    """Start of the last one."""

    @property
    def first_minute_ns(self) -> int:
        """Start of the first minute in its rollups."""
        return self.first_start_ns // _MINUTE_NS * _MINUTE_NS if self.first_rollup_ns is None else self.first_rollup_ns

    @property
    def last_minute_ns(self) -> int:
        """Start of the last minute in its rollups."""
        return self.last_start_ns // _MINUTE_NS * _MINUTE_NS if self.last_rollup_ns is None else self.last_rollup_ns

    @property
    def spans_path(self) -> Path:
        """The segment's spans, in order of arrival; there is no such file when `span_count` is 0."""
        return self.path / "spans.parquet"

    @property
    def logs_path(self) -> Path | None:
        """The segment's log records, in order of arrival; None when it has none."""
        return self.path / "logs.parquet" if self.log_count else None

    def covers(self, other: Segment) -> bool:
        """True if this is another segment that holds the other's rows too: what merging leaves when it is cut short."""
        return self != other and self.first_id <= other.first_id and other.segment_id <= self.segment_id

    def file(self, kind: Kind, time_range: TimeRange | None) -> Path | None:
        """The file of this kind, unless it is absent or has nothing in the range."""
        if kind == "spans":
            if not self.span_count or (time_range and not time_range.overlaps(self.first_start_ns, self.last_start_ns)):
                return None
            return self.spans_path
        if not self.log_count or (time_range and not time_range.overlaps(self.first_log_ns, self.last_log_ns)):
            return None
        return self.logs_path


@dataclass(frozen=True, slots=True)
class HotTables:
    """A generation as SQL sees it: the attached database's name and how to describe its feed."""

    generation_id: int
    database: str

    def relation(self, kind: Kind) -> str:
        """The public columns of this generation's rows."""
        return hot_relation(kind, f"{self.database}.{kind}", f"{self.database}.origins")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that was acknowledged before the snapshot was taken, once."""

    hot: tuple[HotTables, ...]
    segments: tuple[Segment, ...]
    feeds: tuple[Feed, ...] = field(default=())

    def holding(self, trace_ids: Sequence[str]) -> Snapshot:
        """The same without sealed segments that have no span of these traces."""
        if not trace_ids:
            return self
        ids = pa.chunked_array([pa.array(trace_ids, pa.string())])
        return replace(self, segments=tuple(one for one in self.segments if may_hold_trace(one.path, ids)))

    def relation(self, kind: Kind, time_range: TimeRange | None = None) -> str:
        """SQL for all rows of this kind; files that have nothing in `time_range` are left out."""
        parts = [tables.relation(kind) for tables in self.hot]
        files = [path for segment in self.segments if (path := segment.file(kind, time_range)) is not None]
        if files:
            parts.append(sealed_relation(kind, files))
        return " union all ".join(parts)
