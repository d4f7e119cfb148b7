"""What a reader sees: the immutable set of hot generations and sealed segments at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from quacktrace_collector.store.views import Kind
from quacktrace_collector.time_range import TimeRange

if TYPE_CHECKING:
    from quacktrace_collector.store.hot.rows import Rows

OPEN_SPANS_ID: Final = 0
"""The hot generation that holds the spans which have not ended; real ones count from 1."""
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


class ReadsHot(Protocol):
    """Decodes the rows of a hot generation."""

    def read(self, kind: str, feed: Feed) -> Rows:
        """At least what the feed held when it was described."""


@dataclass(frozen=True, slots=True)
class HotGeneration:
    """A generation that is not sealed yet, as it was when the snapshot was taken."""

    generation_id: int
    span_bounds: tuple[int | None, int | None]
    """First and last start time in nanoseconds since the epoch."""
    log_bounds: tuple[int | None, int | None]
    feed: Feed
    rows: ReadsHot

    def holds(self, kind: Kind, time_range: TimeRange | None) -> bool:
        """False if it has nothing of this kind in the range."""
        first_ns, last_ns = self.span_bounds if kind == "spans" else self.log_bounds
        if first_ns is None or last_ns is None:
            return False
        return time_range is None or time_range.overlaps(first_ns, last_ns)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that was acknowledged before the snapshot was taken, once."""

    hot: tuple[HotGeneration, ...]
    segments: tuple[Segment, ...]

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The hot generations as another process reads them."""
        return tuple(generation.feed for generation in self.hot)

    def files(self, kind: Kind, time_range: TimeRange | None) -> list[Path]:
        """The sealed files of this kind that may have something in the range."""
        return [path for segment in self.segments if (path := segment.file(kind, time_range)) is not None]
