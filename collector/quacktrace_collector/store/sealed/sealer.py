"""The background thread: keeps a spare generation ready, seals, merges small segments, deletes expired ones."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from quacktrace_collector.errors import StoreUnavailableError
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.store.catalog import Catalog
from quacktrace_collector.store.damage import Damage
from quacktrace_collector.store.free_space import FreeSpace
from quacktrace_collector.store.hot.generation import Generation
from quacktrace_collector.store.rollups.error_index import add_errors_file, has_errors_file
from quacktrace_collector.store.rollups.rollups import Rollups
from quacktrace_collector.store.rollups.tables import Rollup
from quacktrace_collector.store.sealed.merge import merge, next_run
from quacktrace_collector.store.sealed.retention import expired
from quacktrace_collector.store.sealed.seal import seal
from quacktrace_collector.store.snapshot import Feed, Segment
from quacktrace_collector.unused_memory import empty_free_lists

_log = logging.getLogger(__name__)
_RETRY_S = 5.0
_INSPECT_S = 0.5
# What one sealing leaves free the next one takes: to give it back each time would cost a tenth of all CPU under load.
_GIVE_BACK_S = 4.0


class Sealer:
    """Seals oldest first; a generation that cannot be sealed stays hot and is tried again."""

    def __init__(
        self,
        catalog: Catalog,
        sealed_dir: Path,
        *,
        rollups: Rollups,
        metrics: Metrics,
        damage: Damage,
        space: FreeSpace,
        new_generation: Callable[[], Generation],
        retention_ns: int | None,
        max_size_bytes: int | None,
    ) -> None:
        self._catalog = catalog
        self._sealed_dir = sealed_dir
        self._rollups = rollups
        self._metrics = metrics
        self._damage = damage
        self._space = space
        self._new_generation = new_generation
        self._retention_ns = retention_ns
        self._max_size_bytes = max_size_bytes
        self._spare: Generation | None = None
        # Generations are written in the order of their ids: merging makes every id between those of its parts void.
        self._creating = threading.Lock()
        self._with_errors_file: set[Path] = set()
        self._condition = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
        self._thread.start()

    def take_spare(self) -> Generation:
        """A generation to write to, ready at once unless the last spare was taken just now."""
        with self._creating:
            spare, self._spare = self._spare, None
            generation = spare or self._new_generation()
        self.wake()
        return generation

    def wake(self) -> None:
        """There may be work."""
        with self._condition:
            self._condition.notify()

    def stop(self) -> None:
        """Finish what is being sealed, then end; an unused spare is removed."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join()
        if self._spare is not None:
            self._spare.drop()

    def _run(self) -> None:
        given_back_s = time.monotonic()
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._stopping or self._has_work(), timeout=self._pause_s())
                if self._stopping:
                    return
            try:
                self._work()
                if not self._catalog.full and time.monotonic() - given_back_s > _GIVE_BACK_S:
                    empty_free_lists()
                    given_back_s = time.monotonic()
            except Exception:
                # Whatever went wrong (a full disk, say), the generation is still hot and durable: say so and try again.
                self._metrics.count("qt_seal_failures_total")
                _log.exception("sealing failed; it is tried again in %g s", _RETRY_S)
                with self._condition:
                    self._condition.wait_for(lambda: self._stopping, timeout=_RETRY_S)

    def _seal(self, generation: Generation) -> Segment:
        feed = generation.feed()
        return seal(
            feed,
            self._sealed_dir,
            span_count=generation.span_count,
            log_count=generation.log_count,
            rollup=self._roll_up(feed),
        )

    def _roll_up(self, feed: Feed) -> Rollup | None:
        try:
            return self._rollups.finish(feed, self._catalog.segments)
        except Exception:
            # Spans must not pile up because their sums went wrong: readers compute these from the sealed spans.
            self._metrics.count("qt_rollup_failures_total")
            _log.exception("generation %d is sealed without rollups", feed.generation_id)
            return None

    def _pause_s(self) -> float:
        """Short while there are segments that this process has not read whole: a tenth of one core goes there."""
        return _INSPECT_S if self._damage.next_uninspected(self._catalog.segments) else _RETRY_S

    def _has_work(self) -> bool:
        return self._spare is None or bool(self._catalog.full)

    def _tidy(self) -> None:
        """What can wait until nothing is left to seal: one run of small segments is merged, expired ones go."""
        doomed = expired(
            self._catalog.segments,
            now_ns=time.time_ns(),
            retention_ns=self._retention_ns,
            max_size_bytes=self._max_size_bytes,
        )
        if doomed:
            began = time.perf_counter()
            self._catalog.replace_segments(doomed, None)
            self._metrics.count("qt_segments_expired_total", len(doomed))
            self._metrics.observe("qt_retention_seconds", time.perf_counter() - began)
        run = next_run(self._catalog.segments)
        if run and not self._space.is_low and not self._set_aside_damaged(run):
            began = time.perf_counter()
            merged = merge(run, self._sealed_dir)
            self._damage.is_new(merged)
            self._catalog.replace_segments(run, merged)
            self._metrics.count("qt_merges_total")
            self._metrics.observe("qt_merge_seconds", time.perf_counter() - began)
        elif segment := self._damage.next_uninspected(self._catalog.segments):
            self._set_aside_damaged([segment])
        elif not self._space.is_low:
            self._add_errors_file()

    def _add_errors_file(self) -> None:
        """To one segment that was sealed before there were such files; once, whether it goes well or not."""
        for segment in self._catalog.segments:
            if segment.path not in self._with_errors_file:
                self._with_errors_file.add(segment.path)
                if not has_errors_file(segment):
                    add_errors_file(segment)
                    return

    def _set_aside_damaged(self, segments: Sequence[Segment]) -> bool:
        damaged = self._damage.inspect(segments)
        for segment in damaged:
            self._catalog.remove_segment(segment)
        return bool(damaged)

    def _work(self) -> None:
        with self._creating:
            if self._spare is None:
                self._spare = self._new_generation()
        for generation in self._catalog.full:
            if not generation.span_count and not generation.log_count:
                self._catalog.drop_empty(generation)
                continue
            began = time.perf_counter()
            try:
                segment = self._seal(generation)
            except (pa.ArrowException, StoreUnavailableError, OSError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise  # a full disk, say
                _log.error("generation %d has a damaged feed: %s", generation.generation_id, error)
                generation.restore_feed()
                segment = self._seal(generation)
            self._damage.is_new(segment)
            self._catalog.replace(generation, segment)
            self._rollups.finished(generation.generation_id)
            self._metrics.count("qt_seals_total")
            self._metrics.observe("qt_seal_seconds", time.perf_counter() - began)
        if not self._catalog.full:
            self._tidy()
