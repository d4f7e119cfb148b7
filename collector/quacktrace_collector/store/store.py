"""The store: appends are durable and once, queries see all that was acknowledged before they started."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import duckdb
import pyarrow as pa

from quacktrace_collector.decode import Decoded
from quacktrace_collector.errors import MalformedBodyError, StartupError, StoreUnavailableError
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.store.damage import Damage
from quacktrace_collector.store.durable import sync
from quacktrace_collector.store.free_space import LEAST_FREE_BYTES, FreeSpace
from quacktrace_collector.store.hot.folder import hot_folder, next_hot_folder
from quacktrace_collector.store.hot.generation import Generation
from quacktrace_collector.store.id_numbers import Numbers
from quacktrace_collector.store.instance import AppendResult, Instance, Limits
from quacktrace_collector.store.lock import DataDirLock
from quacktrace_collector.store.migration import migrate
from quacktrace_collector.store.problems import Problem, damage_problem, reopening_problem, space_problem
from quacktrace_collector.store.rollups.cache import WHOLE
from quacktrace_collector.store.rollups.error_rows import ErrorRows
from quacktrace_collector.store.rollups.frame import Frame
from quacktrace_collector.store.rollups.trace_frame import TraceFrame
from quacktrace_collector.store.sealed.attribute_rows import AttributeValue
from quacktrace_collector.store.snapshot import Segment, Snapshot
from quacktrace_collector.store.views import Kind
from quacktrace_collector.time_range import TimeRange

_log = logging.getLogger(__name__)

GENERATION_SPANS: Final = 100_000
GENERATION_AGE_S: Final = 120.0
_REOPEN_RETRY_S: Final = 1.0
_UNSTORABLE: Final = (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException, pa.ArrowInvalid)
_Result = TypeVar("_Result")


class Store:
    """Owns the data folder, and supervises: when DuckDB invalidates the instance, another one is opened.

    `append` and `close` belong to one thread; everything else is thread-safe. While there is no instance everything
    raises StoreUnavailableError.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        metrics: Metrics | None = None,
        generation_spans: int = GENERATION_SPANS,
        generation_age_s: float = GENERATION_AGE_S,
        retention_s: float | None = None,
        max_size_bytes: int | None = None,
        least_free_bytes: int = LEAST_FREE_BYTES,
    ) -> None:
        """Open the folder, creating it if need be, and bring back whatever was acknowledged.

        Raises:
            DataDirInUseError: another process holds it.
            StartupError: it was written by a newer quacktrace, or its disk is full.
        """
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self._lock = DataDirLock(data_dir)
        self._metrics = metrics or Metrics()
        self._limits = Limits(generation_spans, generation_age_s, retention_s, max_size_bytes)
        self.sealed_dir = data_dir / "sealed"
        self.space = FreeSpace(data_dir, least_bytes=least_free_bytes)
        self._damage = Damage(data_dir, self._metrics)
        self._change = threading.Condition()
        self._closing = False
        self._lost_because = ""
        self._reopening: threading.Thread | None = None
        self._metrics.count("qt_store_reopened_total", 0)
        try:
            self._hot_dir = hot_folder(data_dir)
            self.sealed_dir.mkdir(exist_ok=True)
            sync(data_dir)
            migrate(data_dir)
            self._instance: Instance | None = self._open()
        except (duckdb.Error, OSError) as error:
            self._lock.release()
            raise StartupError(
                f"the data folder {data_dir} cannot be opened: {error}",
                hint="see that its disk has room and can be written, then start again",
            ) from error
        except BaseException:
            self._lock.release()
            raise

    def append(self, spans: Decoded | None, logs: Decoded | None) -> AppendResult:
        """Store a batch in one transaction, on disk when this returns; spans that were stored before are left out.

        Raises:
            OverloadedError: sealing is too far behind.
            StoreUnavailableError: nothing of the batch was stored; it may be later.
            MalformedBodyError: nothing of the batch was stored, and never will be.
        """
        with self._using() as instance:
            if self.space.is_low:
                # What is hot takes ten times the room of what is sealed.
                if instance.catalog.active.span_count and not instance.catalog.full:
                    instance.start_generation()
                self.space.check()
            try:
                return instance.append(spans, logs)
            except _UNSTORABLE as error:
                if instance.is_invalid:
                    raise
                raise MalformedBodyError(f"the spans cannot be stored as they are: {error}") from error

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
        """Run one of our own queries over the relations `spans` and `logs`; blocks, so call it from a thread.

        `time_range` leaves out files that have nothing in it, `trace_ids` (32 hex digits each) those that have no
        row of these traces, `attribute` spans that surely do not have it; none of them stands for a condition.

        Raises:
            QueryTimeoutError: interrupted after `timeout_s`.
            QueryTooLargeError: it needs more memory than there is.
            StoreUnavailableError: the store is being reopened.
        """
        with self._using() as instance:
            return instance.query(
                sql, parameters, time_range=time_range, trace_ids=trace_ids, attribute=attribute, timeout_s=timeout_s
            )

    def rows_of_traces(
        self, kind: Kind, trace_ids: Sequence[str], columns: Sequence[str], *, time_range: TimeRange | None = None
    ) -> pa.Table:
        """These public columns of all rows of the traces, in no order: the quick way to a few traces.

        `is_open` is a column too. `time_range` leaves out files that have nothing in it, it filters no rows.
        Raises what `query` raises.
        """
        with self._using() as instance:
            return instance.rows_of_traces(kind, trace_ids, columns, time_range=time_range)

    def warm(self, stopping: threading.Event) -> None:
        """Read what the first questions after a start would wait for; blocks, but not for long once that is set."""
        self._read(lambda one, snapshot: one.warm(snapshot, stopping))

    def rollup_rows(self, name: str, time_range: TimeRange, *, grain_ns: int = WHOLE) -> list[pa.Table]:
        """Rows of the rollup `red`, `entries`, `edges` or `instances` of the range's minutes; see `Rollups.rows`."""
        return self._read(lambda one, snapshot: one.rollups.rows(name, snapshot, time_range, grain_ns=grain_ns))

    def rollup_frame(self, name: str, time_range: TimeRange) -> Frame:
        """The same rows ready to be added up, without the examples' ids."""
        return self._read(lambda one, snapshot: one.rollups.frame(name, snapshot, time_range))

    def error_rows(self, time_range: TimeRange) -> ErrorRows:
        """Spans with status ERROR that start in the range."""
        return self._read(lambda one, snapshot: one.errors.rows(snapshot, time_range))

    def trace_rows(self, time_range: TimeRange) -> list[pa.Table]:
        """Rows of the trace index that start in the range, several for a trace that arrived in parts."""
        return self._read(lambda one, snapshot: one.rollups.traces(snapshot, time_range))

    def trace_frame(self, time_range: TimeRange) -> TraceFrame:
        """The same in numpy, for answers about all of them."""
        return self._read(lambda one, snapshot: one.rollups.trace_frame(snapshot, time_range))

    def trace_rows_of(self, time_range: TimeRange, traces: Numbers) -> list[pa.Table]:
        """`trace_rows` of a few traces, given by their numbers in a `TraceFrame`."""
        return self._read(lambda one, snapshot: one.rollups.traces_of(snapshot, time_range, traces))

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Pin what exists now, for a reader in another process."""
        with self._current().snapshot() as snapshot:
            yield snapshot

    def set_aside_damaged(self, snapshot: Snapshot) -> bool:
        """Call when a reader in another process failed over a snapshot: True if it should read again, a new one."""
        return self._current().set_aside_damaged(snapshot)

    def data_range(self, kind: Kind = "spans") -> TimeRange | None:
        """From the first to just after the last start time stored (logs: time); None when there is nothing."""
        catalog = self._current().catalog
        firsts: list[int] = []
        lasts: list[int] = []
        for segment in catalog.segments:
            if kind == "spans" and segment.span_count:
                firsts.append(segment.first_start_ns)
                lasts.append(segment.last_start_ns)
            elif kind == "logs" and segment.log_count:
                firsts.append(segment.first_log_ns)
                lasts.append(segment.last_log_ns)
        open_spans = catalog.open_spans()
        if kind == "spans" and open_spans and None not in open_spans.span_bounds:
            firsts.append(open_spans.span_bounds[0] or 0)
            lasts.append(open_spans.span_bounds[1] or 0)
        for generation in catalog.generations:
            bounds = generation.start_times if kind == "spans" else generation.log_times
            if bounds.first_ns is not None and bounds.last_ns is not None:
                firsts.append(bounds.first_ns)
                lasts.append(bounds.last_ns)
        return TimeRange(min(firsts), max(lasts) + 1) if firsts else None

    def counts(self) -> tuple[int, int]:
        """Spans and log records stored; none while the store is being reopened."""
        parts: tuple[Segment | Generation, ...] = (*self.segments, *self._generations)
        open_spans = self._instance.open_span_count if self._instance else 0
        return sum(part.span_count for part in parts) + open_spans, sum(part.log_count for part in parts)

    def size_bytes(self) -> int:
        """Bytes of all sealed segments."""
        return sum(segment.size_bytes for segment in self.segments)

    def hot_bytes(self) -> int:
        """Bytes of the generations' files."""
        return sum(generation.size_bytes() for generation in self._generations)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The sealed segments; none while the store is being reopened."""
        return self._instance.catalog.segments if self._instance else ()

    @property
    def unsealed_generations(self) -> int:
        """Generations that wait for the sealer."""
        return len(self._instance.catalog.full) if self._instance else 0

    @property
    def quarantined(self) -> list[str]:
        """What could not be read, and why."""
        return [str(one) for one in self._damage.quarantined]

    @property
    def is_partial(self) -> bool:
        """True while something lies in quarantine, so that answers may lack it."""
        return bool(self._damage.in_quarantine())

    def problems(self) -> list[Problem]:
        """What a person should know and do something about, the worst first."""
        found = (
            reopening_problem(self._lost_because) if self._instance is None else None,
            space_problem(self.space),
            damage_problem(self._damage, self.data_dir),
        )
        return [problem for problem in found if problem is not None]

    def seal_now(self) -> None:
        """Close the generation being written, so that the sealer takes it; for shutdown, tests and benchmarks."""
        instance = self._current()
        if instance.catalog.active.span_count or instance.catalog.active.log_count:
            instance.start_generation()

    def close(self) -> None:
        """Stop sealing and let go of the folder; hot data stays as it is and is replayed at the next start."""
        with self._change:
            self._closing = True
            self._change.notify_all()
            reopening = self._reopening
        if reopening is not None:
            reopening.join()
        if self._instance is not None:
            self._instance.close()
        self._lock.release()

    @property
    def _generations(self) -> tuple[Generation, ...]:
        return self._instance.catalog.generations if self._instance else ()

    def _open(self) -> Instance:
        return Instance(
            self._hot_dir,
            self.sealed_dir,
            limits=self._limits,
            damage=self._damage,
            space=self.space,
            metrics=self._metrics,
        )

    def _current(self) -> Instance:
        instance = self._instance
        if instance is None:
            raise StoreUnavailableError(
                f"the store is being reopened: {self._lost_because}", hint="send the same request again in a second"
            )
        return instance

    @contextmanager
    def _using(self) -> Iterator[Instance]:
        """The instance; what DuckDB or the disk raises becomes StoreUnavailableError, and may be the instance's end."""
        instance = self._current()
        try:
            yield instance
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            if instance.is_invalid:
                self._replace(instance, error)
            raise StoreUnavailableError(
                f"the store cannot do that now: {error}", hint="send the same request again in a second"
            ) from error

    def _read(self, read: Callable[[Instance, Snapshot], _Result]) -> _Result:
        with self._using() as instance:
            return instance.read(lambda snapshot: read(instance, snapshot))

    def _replace(self, instance: Instance, error: Exception) -> None:
        with self._change:
            if self._instance is not instance or self._closing:
                return
            self._instance = None
            self._lost_because = str(error)
            self._reopening = threading.Thread(
                target=self._reopen, args=(instance,), name="store-supervisor", daemon=True
            )
            self._reopening.start()
        self._metrics.count("qt_store_reopened_total")
        _log.error("the store is reopened, as DuckDB gave up: %s", error)

    def _reopen(self, lost: Instance) -> None:
        """Runs in a thread of its own until there is an instance again, or the store is closed."""
        lost.close()
        moved = False
        while True:
            try:
                if not moved:
                    self._hot_dir = next_hot_folder(self._hot_dir)
                    moved = True
                instance = self._open()
            except Exception as error:  # whatever it is (a full disk, say), there is nothing to do but to try again
                self._lost_because = str(error)
                _log.exception("the store cannot be reopened; it is tried again in %g s", _REOPEN_RETRY_S)
                with self._change:
                    if self._change.wait_for(lambda: self._closing, timeout=_REOPEN_RETRY_S):
                        return
                continue
            with self._change:
                self._instance = instance
                self._reopening = None
            _log.warning("the store is open again")
            return
