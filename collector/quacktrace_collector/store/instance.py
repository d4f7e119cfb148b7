"""One opened store: a DuckDB instance, what is attached to it, and the threads that belong to it.

It lives until it is closed, or until DuckDB invalidates the instance: then the store abandons it and opens another.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from quacktrace_collector.decode import Decoded
from quacktrace_collector.errors import (
    OverloadedError,
    QuacktraceError,
    QueryTimeoutError,
    QueryTooLargeError,
    StoreUnavailableError,
)
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.store.catalog import Catalog
from quacktrace_collector.store.compose import compose
from quacktrace_collector.store.damage import Damage
from quacktrace_collector.store.deadlines import Deadlines
from quacktrace_collector.store.duplicates import Duplicates
from quacktrace_collector.store.free_space import FreeSpace
from quacktrace_collector.store.hot.generation import Generation
from quacktrace_collector.store.hot.open_spans import MOST_OPEN, OpenSpans, id_list, ids_of, open_mask
from quacktrace_collector.store.hot.replay import replay
from quacktrace_collector.store.hot.salvage import Leftovers
from quacktrace_collector.store.rollups.error_index import ErrorIndex
from quacktrace_collector.store.rollups.rollups import Rollups
from quacktrace_collector.store.sealed.attribute_rows import AttributeValue
from quacktrace_collector.store.sealed.footers import sealed_file
from quacktrace_collector.store.sealed.sealer import Sealer
from quacktrace_collector.store.sealed.segment_files import load_segments
from quacktrace_collector.store.snapshot import Snapshot
from quacktrace_collector.store.trace_reader import read_traces, scanned_expression
from quacktrace_collector.store.views import Kind
from quacktrace_collector.time_range import TimeRange

_log = logging.getLogger(__name__)

_MAX_UNSEALED: Final = 4
_READ_ATTEMPTS: Final = 3
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class AppendResult:
    """What one append did; `duplicate_spans` were stored before and are one row still."""

    stored_spans: int
    duplicate_spans: int
    stored_logs: int
    conflicting_spans: int = 0
    """Those duplicates whose content differs from what is stored."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a generation is full, and what goes when."""

    generation_spans: int
    generation_age_s: float
    retention_s: float | None
    max_size_bytes: int | None


class Instance:
    """`append` belongs to one thread; everything else is thread-safe."""

    def __init__(
        self, hot_dir: Path, sealed_dir: Path, *, limits: Limits, damage: Damage, space: FreeSpace, metrics: Metrics
    ) -> None:
        """Open what is there; what is damaged is set aside.

        Raises:
            duckdb.Error, OSError: the folder cannot be opened now; nothing of it is lost.
        """
        self._hot_dir = hot_dir
        self._limits = limits
        self._damage = damage
        segments = load_segments(sealed_dir, damage=damage)
        self._connection, generations, leftovers = replay(hot_dir, segments, damage=damage)
        # Else DuckDB keeps what a large answer took until it works on the next one.
        self._connection.execute("set allocator_background_threads = true")
        self._writer = self._connection.cursor()
        self._deadlines = Deadlines()
        last_id = max([*(s.segment_id for s in segments), *(g.generation_id for g in generations)], default=0)
        self._ids = count(last_id + 1)
        self.catalog = Catalog([*generations, self._new_generation()], segments)
        self._open_spans = OpenSpans(hot_dir.parent / "open")
        self.catalog.open_spans = lambda: self._open_spans.hot
        kept_ns = int(1e9 * (limits.retention_s or time.time()))
        self._open_spans.settle(self.query, received_after_ns=time.time_ns() - kept_ns)
        self._duplicates = Duplicates(self.catalog, self.query)
        self.rollups = Rollups()
        self.errors = ErrorIndex()
        self.sealer = Sealer(
            self.catalog,
            sealed_dir,
            rollups=self.rollups,
            metrics=metrics,
            damage=damage,
            space=space,
            new_generation=self._new_generation,
            retention_ns=None if limits.retention_s is None else int(limits.retention_s * 1e9),
            max_size_bytes=limits.max_size_bytes,
        )
        for left in leftovers:
            self._store_again(left)

    def append(self, spans: Decoded | None, logs: Decoded | None) -> AppendResult:
        """See `Store.append`.

        Raises:
            OverloadedError, duckdb.Error, OSError: nothing of the batch was stored.
        """
        generation = self._writable()
        span_table = spans.table if spans else None
        log_table = logs.table if logs else None
        received = span_table.num_rows if span_table else 0
        origins = {**(spans.origins if spans else {}), **(logs.origins if logs else {})}
        is_open = open_mask(span_table) if span_table else None
        if is_open is not None and self._open_spans.count + int(is_open.sum()) > MOST_OPEN:
            is_open = None
        opened = None if is_open is None or span_table is None else span_table.take(np.flatnonzero(is_open))
        if is_open is not None and span_table is not None:
            span_table = span_table.take(np.flatnonzero(~is_open))
        new = self._duplicates.without_duplicates(span_table) if span_table else None
        opened = self._new_open(opened, span_table) if opened else None
        change = None
        if opened is not None or self._open_spans.hot is not None:
            change = self._open_spans.prepare(ended=new.table if new else None, opened=opened, origins=origins.values())
        generation.append(self._writer, spans=new.table if new else None, logs=log_table, origins=origins.values())
        if change is not None:
            self._open_spans.publish(change)
        if new:
            self._duplicates.remember(new, generation.generation_id)
        stored = (new.table.num_rows if new else 0) + (opened.num_rows if opened else 0)
        return AppendResult(
            stored, received - stored, log_table.num_rows if log_table else 0, new.conflicts if new else 0
        )

    def _new_open(self, opened: pa.Table, ended: pa.Table | None) -> pa.Table:
        """Those that are neither open already, nor ended, be it in the same request."""
        known = self._open_spans.ids | (ids_of(ended) if ended else set())
        opened = self._duplicates.without_duplicates(opened).table
        rows = [row for row, id_ in enumerate(id_list(opened)) if id_ not in known]
        return opened.take(np.array(rows, np.intp))

    def query(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
        *,
        time_range: TimeRange | None = None,
        trace_ids: Sequence[str] = (),
        attribute: AttributeValue | None = None,
        timeout_s: float = 30.0,
    ) -> pa.Table:
        """See `Store.query`."""

        def run(snapshot: Snapshot) -> pa.Table:
            composed = compose(sql, snapshot, time_range, trace_ids, attribute)
            cursor = self._connection.cursor()
            try:
                for name, rows in composed.tables.items():
                    cursor.register(name, rows)
                with self._deadlines.after(timeout_s, cursor.interrupt):
                    table: pa.Table = cursor.sql(composed.sql, params=dict(parameters or {})).to_arrow_table()
                return table
            except duckdb.InterruptException as error:
                raise QueryTimeoutError(
                    f"the query was stopped after {timeout_s:g} s", hint="narrow the time range or the filters"
                ) from error
            finally:
                cursor.close()

        try:
            return self.read(run)
        except duckdb.OutOfMemoryException as error:
            raise QueryTooLargeError(
                "the query needs more memory than the collector may use", hint="narrow the time range or the filters"
            ) from error

    def rows_of_traces(
        self, kind: Kind, trace_ids: Sequence[str], columns: Sequence[str], *, time_range: TimeRange | None
    ) -> pa.Table:
        """See `Store.rows_of_traces`."""
        found = self.read(lambda snapshot: read_traces(snapshot, kind, trace_ids, columns, time_range))
        if not found.to_scan:
            return found.table
        names = ", ".join(scanned_expression(column) for column in columns)
        rows = self.query(
            f"select {names} from {kind} where trace_id in (select unnest($trace_ids))",
            {"trace_ids": list(trace_ids)},
            time_range=time_range,
            trace_ids=trace_ids,
        )
        return rows.cast(found.table.schema)

    def warm(self, snapshot: Snapshot, stopping: threading.Event) -> None:
        """See `Store.warm`."""
        self.rollups.warm(snapshot, stopping)
        for path in reversed(snapshot.files("spans", None)):
            if stopping.is_set():
                return
            sealed_file(path)

    def read(self, read: Callable[[Snapshot], _Result]) -> _Result:
        """The result of `read` over what is stored now; sealed files it cannot read are set aside and left out."""
        for _ in range(_READ_ATTEMPTS):
            with self.catalog.pin() as snapshot:
                try:
                    return read(snapshot)
                except QuacktraceError:
                    raise
                except Exception as error:  # whatever a reader makes of damaged bytes
                    if not self.set_aside_damaged(snapshot):
                        raise
                    _log.warning("a query met damaged files and is answered without them: %s", error)
        raise StoreUnavailableError("stored files are damaged", hint="ask again in a moment")

    def set_aside_damaged(self, snapshot: Snapshot) -> bool:
        """True if any of its segments is damaged, or gone meanwhile: read again, from what is left."""
        damaged = self._damage.inspect(snapshot.segments, after_failure=True)
        for segment in damaged:
            self.catalog.remove_segment(segment)
        current = set(self.catalog.segments)
        return bool(damaged) or any(segment not in current for segment in snapshot.segments)

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """See `Store.snapshot`."""
        return self.catalog.pin()

    @property
    def open_span_count(self) -> int:
        """Spans that have not ended."""
        return self._open_spans.count

    @property
    def is_invalid(self) -> bool:
        """True once DuckDB refuses everything, which only another instance ends."""
        try:
            self._connection.cursor().execute("select 1")
        except duckdb.Error:
            return True
        return False

    def start_generation(self) -> None:
        """Close the generation being written, so that the sealer takes it."""
        self.catalog.start(self.sealer.take_spare())
        self.sealer.wake()

    def close(self) -> None:
        """End the sealer and detach everything; the files stay as they are, whatever state the instance is in."""
        self.sealer.stop()
        self._deadlines.stop()
        for generation in self.catalog.generations:
            generation.close()
        self._writer.close()
        self._connection.close()

    def _store_again(self, left: Leftovers) -> None:
        """What is there already is left out, so that this may be cut short and done again."""
        result = self.append(left.spans, left.logs)
        left.forget()
        if result.stored_spans or result.stored_logs:
            _log.warning(
                "%d spans and %d log records were brought back from a feed: the log of their generation lacks them",
                result.stored_spans,
                result.stored_logs,
            )

    def _new_generation(self) -> Generation:
        return Generation.create(self._connection, self._hot_dir, next(self._ids))

    def _writable(self) -> Generation:
        active = self.catalog.active
        if (
            active.is_spoiled
            or active.span_count + active.log_count >= self._limits.generation_spans
            or active.is_older_than(self._limits.generation_age_s)
        ):
            if len(self.catalog.full) >= _MAX_UNSEALED:
                raise OverloadedError("sealing is behind", hint="send the same request again in a second")
            self.start_generation()
        return self.catalog.active
