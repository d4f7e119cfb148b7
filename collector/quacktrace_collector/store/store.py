"""The store: appends are durable and once, queries see all that was acknowledged before they started."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from quacktrace_collector.decode import Decoded
from quacktrace_collector.errors import OverloadedError, QueryTimeoutError, StoreUnavailableError
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.store.catalog import Catalog
from quacktrace_collector.store.compose import compose
from quacktrace_collector.store.duplicates import Duplicates
from quacktrace_collector.store.generation import Generation
from quacktrace_collector.store.lock import DataDirLock
from quacktrace_collector.store.rollups import Rollups
from quacktrace_collector.store.sealer import Sealer
from quacktrace_collector.store.segment_files import load_segments
from quacktrace_collector.store.snapshot import Segment, Snapshot
from quacktrace_collector.store.views import Kind
from quacktrace_collector.time_range import TimeRange

_log = logging.getLogger(__name__)

GENERATION_SPANS: Final = 100_000
GENERATION_AGE_S: Final = 120.0
_MAX_UNSEALED: Final = 4
_MEMORY_LIMIT: Final = "1GB"


@dataclass(frozen=True, slots=True)
class AppendResult:
    """What one append did; `duplicate_spans` were stored before and are one row still."""

    stored_spans: int
    duplicate_spans: int
    stored_logs: int


class Store:
    """Owns the data folder. `append` and `close` belong to one thread; everything else is thread-safe."""

    def __init__(
        self,
        data_dir: Path,
        *,
        metrics: Metrics | None = None,
        generation_spans: int = GENERATION_SPANS,
        generation_age_s: float = GENERATION_AGE_S,
        retention_s: float | None = None,
        max_size_bytes: int | None = None,
    ) -> None:
        """Open the folder, creating it if need be, and bring back whatever was acknowledged.

        Raises:
            DataDirInUseError: another process holds it.
        """
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self._lock = DataDirLock(data_dir)
        self._metrics = metrics or Metrics()
        self._generation_spans = generation_spans
        self._generation_age_s = generation_age_s
        self._hot_dir, self.sealed_dir = data_dir / "hot", data_dir / "sealed"
        for directory in (self._hot_dir, self.sealed_dir):
            directory.mkdir(exist_ok=True)
        self.quarantined: list[str] = []
        """What could not be read at the start, and why."""
        self._connection = _connect(data_dir)
        self._writer = self._connection.cursor()

        segments = load_segments(self.sealed_dir)
        generations = self._replay(segments)
        last_id = max([*(s.segment_id for s in segments), *(g.generation_id for g in generations)], default=0)
        self._ids = count(last_id + 1)
        self._catalog = Catalog([*generations, self._new_generation()], segments)
        self._duplicates = Duplicates(self._catalog, self.query)
        self._rollups = Rollups()
        self._sealer = Sealer(
            self._catalog,
            self.sealed_dir,
            rollups=self._rollups,
            metrics=self._metrics,
            new_generation=self._new_generation,
            retention_ns=None if retention_s is None else int(retention_s * 1e9),
            max_size_bytes=max_size_bytes,
        )

    def append(self, spans: Decoded | None, logs: Decoded | None) -> AppendResult:
        """Store a batch in one transaction, on disk when this returns; spans that were stored before are left out.

        Raises:
            OverloadedError: sealing is too far behind.
            StoreUnavailableError: nothing of the batch was stored.
        """
        generation = self._writable()
        span_table = spans.table if spans else None
        log_table = logs.table if logs else None
        received = span_table.num_rows if span_table else 0
        new = self._duplicates.without_duplicates(span_table) if span_table else None
        origins = {**(spans.origins if spans else {}), **(logs.origins if logs else {})}
        try:
            generation.append(self._writer, spans=new.table if new else None, logs=log_table, origins=origins.values())
        except duckdb.Error as error:
            raise StoreUnavailableError(f"the batch could not be committed: {error}") from error
        if new:
            self._duplicates.remember(new)
        stored = new.table.num_rows if new else 0
        return AppendResult(stored, received - stored, log_table.num_rows if log_table else 0)

    def query(
        self,
        sql: str,
        parameters: Mapping[str, object] | None = None,
        *,
        time_range: TimeRange | None = None,
        trace_ids: Sequence[str] = (),
        timeout_s: float = 30.0,
    ) -> pa.Table:
        """Run one of our own queries over the relations `spans` and `logs`; blocks, so call it from a thread.

        `time_range` leaves out files that have nothing in it, `trace_ids` (32 hex digits each; no use for logs) those
        that have no span of these traces; neither filters rows.

        Raises:
            QueryTimeoutError: interrupted after `timeout_s`.
        """
        with self._catalog.pin() as snapshot:
            cursor = self._connection.cursor()
            timer = threading.Timer(timeout_s, cursor.interrupt)
            timer.start()
            try:
                table: pa.Table = cursor.sql(
                    compose(sql, snapshot.holding(trace_ids), time_range), params=dict(parameters or {})
                ).to_arrow_table()
                return table
            except duckdb.InterruptException as error:
                raise QueryTimeoutError(
                    f"the query was stopped after {timeout_s:g} s", hint="narrow the time range or the filters"
                ) from error
            finally:
                timer.cancel()
                cursor.close()

    def rollup_rows(self, name: str, time_range: TimeRange, *, by_minute: bool = False) -> list[pa.Table]:
        """Rows of the rollup `red`, `entries`, `edges` or `instances` of the range's minutes; see `Rollups.rows`."""
        with self._catalog.pin() as snapshot:
            return self._rollups.rows(name, snapshot, time_range, by_minute=by_minute)

    def trace_rows(self, time_range: TimeRange) -> list[pa.Table]:
        """Rows of the trace index that start in the range, several for a trace that arrived in parts."""
        with self._catalog.pin() as snapshot:
            return self._rollups.traces(snapshot, time_range)

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Pin what exists now, for a reader in another process."""
        return self._catalog.pin()

    def data_range(self, kind: Kind = "spans") -> TimeRange | None:
        """From the first to just after the last start time stored (logs: time); None when there is nothing."""
        firsts: list[int] = []
        lasts: list[int] = []
        for segment in self._catalog.segments:
            if kind == "spans" and segment.span_count:
                firsts.append(segment.first_start_ns)
                lasts.append(segment.last_start_ns)
            elif kind == "logs" and segment.log_count:
                firsts.append(segment.first_log_ns)
                lasts.append(segment.last_log_ns)
        for generation in self._catalog.generations:
            bounds = generation.start_times if kind == "spans" else generation.log_times
            if bounds.first_ns is not None and bounds.last_ns is not None:
                firsts.append(bounds.first_ns)
                lasts.append(bounds.last_ns)
        return TimeRange(min(firsts), max(lasts) + 1) if firsts else None

    def counts(self) -> tuple[int, int]:
        """Spans and log records stored."""
        parts: tuple[Segment | Generation, ...] = (*self._catalog.segments, *self._catalog.generations)
        return sum(part.span_count for part in parts), sum(part.log_count for part in parts)

    def size_bytes(self) -> int:
        """Bytes of all sealed segments."""
        return sum(segment.size_bytes for segment in self._catalog.segments)

    def seal_now(self) -> None:
        """Close the generation being written, so that the sealer takes it; for shutdown, tests and benchmarks."""
        if self._catalog.active.span_count or self._catalog.active.log_count:
            self._catalog.start(self._sealer.take_spare())
            self._sealer.wake()

    @property
    def unsealed_generations(self) -> int:
        """Generations that wait for the sealer."""
        return len(self._catalog.full)

    def close(self) -> None:
        """Stop sealing and let go of the folder; hot data stays as it is and is replayed at the next start."""
        self._sealer.stop()
        for generation in self._catalog.generations:
            generation.close()
        self._connection.close()
        self._lock.release()

    def _new_generation(self) -> Generation:
        return Generation.create(self._connection, self._hot_dir, next(self._ids))

    def _replay(self, segments: list[Segment]) -> list[Generation]:
        generations = []
        for generation_id in Generation.existing(self._hot_dir):
            if any(segment.first_id <= generation_id <= segment.segment_id for segment in segments):
                Generation.unlink(self._hot_dir, generation_id)
                continue
            try:
                generation = Generation.replay(self._connection, self._hot_dir, generation_id)
            except duckdb.Error as error:
                self._set_aside(generation_id, error)
                continue
            if generation.span_count or generation.log_count:
                generations.append(generation)
            else:
                generation.drop()
        return generations

    def _set_aside(self, generation_id: int, error: duckdb.Error) -> None:
        """The process comes up without a generation that cannot be read; its files are kept for a person to look at."""
        if not Generation.was_written(self._hot_dir, generation_id):
            Generation.unlink(self._hot_dir, generation_id)
            return
        quarantine = self.data_dir / "quarantine"
        Generation.move(self._hot_dir, generation_id, quarantine)
        self._metrics.count("qt_store_quarantined_total", kind="generation")
        self.quarantined.append(f"{quarantine / f'{generation_id:012d}.duckdb'}: {error}")
        _log.error("generation %d is damaged and was moved to %s: %s", generation_id, quarantine, error)

    def _writable(self) -> Generation:
        active = self._catalog.active
        if active.span_count + active.log_count >= self._generation_spans or active.is_older_than(
            self._generation_age_s
        ):
            if len(self._catalog.full) >= _MAX_UNSEALED:
                raise OverloadedError("sealing is behind", hint="send the same request again in a second")
            active = self._sealer.take_spare()
            self._catalog.start(active)
            self._sealer.wake()
        return active


def _connect(data_dir: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={
            # Measured: two cost 9.0 µs of CPU a span appended, one 6.5; readers run in threads of their own anyway.
            "threads": 1,
            "memory_limit": _MEMORY_LIMIT,
            "temp_directory": str(data_dir / "tmp"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "preserve_insertion_order": False,
        }
    )
    # Before the first ATTACH: a generation's log is its storage, and is never folded into the file.
    connection.execute("set checkpoint_threshold = '1TB'")
    connection.execute("pragma disable_checkpoint_on_shutdown")
    # Sealed files never change: without their footers at hand a query over nine of them costs 31 ms CPU, with them 17.
    connection.execute("set parquet_metadata_cache = true")
    return connection
