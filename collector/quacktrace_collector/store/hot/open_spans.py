"""Spans that say of themselves that they are still open, kept apart until they end.

A sealed file gives up no row, and a call that goes on belongs in no rollup: so an open span is neither sealed nor
summed, and when it ends the ended one is stored as any other and the open one is gone. Readers see the open ones as one
more hot generation. There are few, so each change writes all of them anew; a commit without any pays one comparison.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.decode import Origin
from quacktrace_collector.schema import ORIGINS, SPANS
from quacktrace_collector.store.durable import sync
from quacktrace_collector.store.hot.feed import FeedWriter, encode_batch, read_feed
from quacktrace_collector.store.hot.generation import origins_table
from quacktrace_collector.store.hot.rows import HotRows
from quacktrace_collector.store.snapshot import OPEN_SPANS_ID, Feed, FeedFile, HotGeneration
from quacktrace_collector.store.time_bounds import TimeBounds

_log = logging.getLogger(__name__)

STATE_KEY: Final = "quacktrace.span.state"
OPEN: Final = "open"
MOST_OPEN: Final = 10_000
"""What comes beyond that is stored like any other span, open as it is, and its end is one more row."""
_KEPT_VERSIONS: Final = 4
# Made once: pyarrow searches the path for dateutil with every scalar that it makes, 70 µs each time.
_STATE_KEY: Final = pa.scalar(STATE_KEY)
_OPEN: Final = pa.scalar(OPEN)
_MASK_TYPE = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Change:
    """The open spans as they are to be from the next commit on, on disk under a temporary name."""

    version: int
    spans: pa.Table
    origins: pa.Table
    files: tuple[FeedFile, FeedFile]


def open_mask(spans: pa.Table) -> _MASK_TYPE | None:
    """True for each span that is still open; None if none is, which is nearly always and costs 0.04 µs a span."""
    attributes: Any = spans["attributes"].combine_chunks()
    pairs = attributes.values
    states: Any = pc.equal(pairs.field("key"), _STATE_KEY)
    if not pc.any(states).as_py():
        return None
    says_open: Any = pc.and_(states, pc.equal(pairs.field("value"), _OPEN))
    places = np.flatnonzero(says_open.to_numpy(zero_copy_only=False))
    mask = np.zeros(spans.num_rows, np.bool_)
    rows = np.searchsorted(attributes.offsets.to_numpy(), places, side="right") - 1
    mask[rows[(rows >= 0) & (rows < spans.num_rows)]] = True
    return mask if mask.any() else None


class OpenSpans:
    """Changed by the writing thread only; `hot` is for any thread."""

    def __init__(self, folder: Path) -> None:
        """Read what an earlier process left.

        Raises:
            OSError: the folder cannot be read or written.
        """
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._spans, self._origins = SPANS.empty_table(), ORIGINS.empty_table()
        self._version = 0
        self.hot: HotGeneration | None = None
        for path in folder.glob("*.new"):
            path.unlink()
        versions = sorted(int(path.name.split(".")[0]) for path in folder.glob("*.spans.arrows"))
        for version in reversed(versions):
            self._version = max(self._version, version)
            try:
                self._spans, self._origins = (
                    self._read("spans", version, SPANS),
                    self._read("origins", version, ORIGINS),
                )
            except (OSError, pa.ArrowException) as error:
                _log.error("the open spans of version %d cannot be read: %s", version, error)
                continue
            break
        self._show(self._files(version) if versions else None)

    @property
    def count(self) -> int:
        """How many there are."""
        return self._spans.num_rows

    @property
    def ids(self) -> set[tuple[object, object]]:
        """Trace and span id of each."""
        return ids_of(self._spans)

    def settle(self, query: Callable[..., pa.Table], *, received_after_ns: int) -> None:
        """After a start: those go that expired, or whose ended spans were committed before they could be taken away."""
        received = self._spans["received_at"].cast(pa.int64()).to_numpy()
        expired = self._spans.take(np.flatnonzero(received < received_after_ns))
        if expired.num_rows:
            self._take_away(expired)
        trace_ids = pc.unique(self._spans["trace_id"]).to_pylist()
        if trace_ids:
            found = query(
                f"select trace_id, span_id from spans where trace_id in (select unnest($trace_ids)) "
                f"and coalesce(attributes['{STATE_KEY}'], '') <> '{OPEN}'",
                {"trace_ids": trace_ids},
                trace_ids=trace_ids,
            )
            self._take_away(found)

    def _take_away(self, ended: pa.Table) -> None:
        change = self.prepare(ended=ended, opened=None, origins=())
        if change is not None:
            self.publish(change)

    def prepare(self, *, ended: pa.Table | None, opened: pa.Table | None, origins: Iterable[Origin]) -> Change | None:
        """Write what will be open once the `ended` are committed, durably; None if nothing changes.

        Raises:
            OSError: it could not be written.
        """
        spans, gone = self._spans, np.zeros(0, np.intp)
        if ended is not None and spans.num_rows and ended.num_rows:
            ids = ids_of(ended) & self.ids
            gone = np.array([row for row, id_ in enumerate(id_list(spans)) if id_ in ids], np.intp)
        if not len(gone) and not (opened is not None and opened.num_rows):
            return None
        spans = spans.take(np.setdiff1d(np.arange(spans.num_rows), gone))
        if opened is not None:
            spans = pa.concat_tables([spans, opened.cast(SPANS)])
        known = set(self._origins["origin_id"].to_pylist())
        fresh = [origin for origin in origins if origin.origin_id not in known]
        all_origins = pa.concat_tables([self._origins, origins_table(fresh)]) if fresh else self._origins
        used = pc.is_in(all_origins["origin_id"], value_set=pc.unique(spans["origin_id"]))
        version = self._version + 1
        written = (all_origins.filter(used), spans)
        files = tuple(
            self._write(f"{version}.{name}.arrows.new", table)
            for name, table in zip(("origins", "spans"), written, strict=True)
        )
        return Change(version, spans, written[0], (files[0], files[1]))

    def publish(self, change: Change) -> None:
        """Show the change to readers and make it last."""
        for name in ("origins", "spans"):
            path = self._folder / f"{change.version}.{name}.arrows"
            path.with_name(f"{path.name}.new").rename(path)
        self._spans, self._origins, self._version = change.spans, change.origins, change.version
        self._show(change.files)
        sync(self._folder)
        for name in ("spans", "origins"):
            (self._folder / f"{change.version - _KEPT_VERSIONS}.{name}.arrows").unlink(missing_ok=True)

    def _show(self, files: tuple[FeedFile, FeedFile] | None) -> None:
        if files is None or not self._spans.num_rows:
            self.hot = None
            return
        origins, spans = files
        bounds = TimeBounds()
        bounds.include(self._spans["start_time"])
        self.hot = HotGeneration(
            generation_id=OPEN_SPANS_ID,
            span_bounds=(bounds.first_ns, bounds.last_ns),
            log_bounds=(None, None),
            feed=Feed(OPEN_SPANS_ID, spans=spans, origins=origins, logs=FeedFile(spans.path, 0)),
            rows=HotRows(),
        )

    def _write(self, name: str, table: pa.Table) -> FeedFile:
        path = self._folder / name
        path.unlink(missing_ok=True)
        writer = FeedWriter(path, table.schema)
        try:
            if table.num_rows:
                writer.write(encode_batch(table.combine_chunks()))
                writer.commit()
        finally:
            writer.close()
        sync(path)
        return FeedFile(path.with_name(name.removesuffix(".new")), writer.file().length)

    def _files(self, version: int) -> tuple[FeedFile, FeedFile]:
        paths = [self._folder / f"{version}.{name}.arrows" for name in ("origins", "spans")]
        origins, spans = (FeedFile(path, path.stat().st_size) for path in paths)
        return origins, spans

    def _read(self, name: str, version: int, schema: pa.Schema) -> pa.Table:
        path = self._folder / f"{version}.{name}.arrows"
        return pa.Table.from_batches(list(read_feed(FeedFile(path, path.stat().st_size))), schema)


def id_list(spans: pa.Table) -> Sequence[tuple[object, object]]:
    """Trace and span id of each span."""
    return list(zip(spans["trace_id"].to_pylist(), spans["span_id"].to_pylist(), strict=True))


def ids_of(spans: pa.Table) -> set[tuple[object, object]]:
    """The same as a set."""
    return set(id_list(spans))
