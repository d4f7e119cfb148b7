"""Runs user SQL in worker processes: a few kept warm, each killed at its query's deadline."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from quacktrace_collector.errors import (
    NotFoundError,
    OverloadedError,
    QuacktraceError,
    QueryCancelledError,
    QueryRefusedError,
    QueryTimeoutError,
    QueryTooLargeError,
)
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.sql.frames import MAX_BODY_BYTES, MAX_STREAM_BYTES, PART_BYTES, Frame, ResultFormat
from quacktrace_collector.sql.gate import MAX_QUERY_CHARACTERS
from quacktrace_collector.sql.snapshot_frame import snapshot_header
from quacktrace_collector.sql.turns import Turns
from quacktrace_collector.sql.worker_process import WorkerDiedError, WorkerGoneError, WorkerLimits, WorkerProcess
from quacktrace_collector.store.snapshot import Snapshot

__all__ = ["SqlPool", "SqlResult"]

# A worker that a query has made this big ends at once, one this big soon: what the engine frees does not all go back.
_MAX_IDLE_BYTES: Final = 512 << 20
_BIG_IDLE_BYTES: Final = 192 << 20
_BIG_IDLE_S: Final = 20.0
_DESCRIBE_TIMEOUT_S: Final = 30.0
# A second process, and a second snapshot, for when a worker cannot read what it was told to.
_ATTEMPTS: Final = 2
# A query that took this long is taken for slow when it is asked again.
_SLOW_S: Final = 1.0
_MOST_KNOWN: Final = 1_000
# Of its time a query gets at least so much to run in, however long its process took to start.
_LEAST_SHARE: Final = 0.7

_log = logging.getLogger(__name__)


OnPart = Callable[[bytes, bool], Awaitable[None]]
"""Takes a part of a body, and whether the body is compressed."""


class SnapshotSource(Protocol):
    """What the pool needs of the store."""

    sealed_dir: Path
    """The folder of the sealed segments."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Everything that was acknowledged so far, pinned."""

    def set_aside_damaged(self, snapshot: Snapshot) -> bool:
        """Look for damaged files in it; True if there were any, and another snapshot is without them."""


@dataclass(frozen=True, slots=True)
class SqlResult:
    """An answer, encoded as it was asked for."""

    body: bytes
    is_gzip: bool
    row_count: int
    truncated: bool
    elapsed_ms: float


class SqlPool:
    """At most `workers` queries at once, dealt out fairly; belongs to one event loop."""

    def __init__(
        self,
        store: SnapshotSource,
        *,
        workers: int = 3,
        limits: WorkerLimits | None = None,
        idle_s: float = 300.0,
        queue_wait_s: float = 2.0,
        metrics: Metrics | None = None,
    ) -> None:
        self._store = store
        self._metrics = metrics or Metrics()
        self._limits = limits or WorkerLimits()
        self._idle_s = idle_s
        self._queue_wait_s = queue_wait_s
        self._turns = Turns(workers)
        self._slow: OrderedDict[int, None] = OrderedDict()
        self._running: dict[str, asyncio.Task[Frame]] = {}
        self._idle: list[tuple[WorkerProcess, asyncio.TimerHandle]] = []
        self._column_types: Mapping[str, Mapping[str, str]] | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._metrics.gauge("qt_sql_idle_workers", lambda: len(self._idle))
        self._metrics.gauge(
            "qt_sql_idle_workers_bytes", lambda: sum(worker.resident_bytes for worker in self.idle_workers)
        )

    @property
    def idle_workers(self) -> list[WorkerProcess]:
        """The workers that wait for a query, the one that ran last at the end."""
        return [worker for worker, _ in self._idle]

    async def run(
        self,
        query: str,
        *,
        form: ResultFormat = ResultFormat.JSON,
        limit: int = 10_000,
        timeout_s: float = 10.0,
        compress: bool = False,
        client: str = "",
        query_id: str | None = None,
        on_part: OnPart | None = None,
    ) -> SqlResult:
        """The result of one statement over everything acknowledged before this call.

        The deadline counts from its turn; should a worker have to start, most of the time is the query's own.
        With `on_part` a large result comes in parts, of which `body` is the last; what is raised after a part cannot be
        mended. `query_id` is what `cancel` takes.
        Raises QueryRefusedError, QueryTimeoutError, QueryTooLargeError, QueryCancelledError, or OverloadedError when
        every worker is busy.
        """
        if len(query) > MAX_QUERY_CHARACTERS:
            raise QueryRefusedError(
                f"The query has {len(query)} characters; at most {MAX_QUERY_CHARACTERS} are accepted.",
                hint="Put long lists of values into a subquery.",
            )
        header = {
            "query": query,
            "format": form.value,
            "limit": limit,
            "max_bytes": MAX_STREAM_BYTES if on_part else MAX_BODY_BYTES,
            "part_bytes": PART_BYTES if on_part else None,
            "compress": compress,
        }
        started = time.monotonic()
        known = hash(query)
        task = asyncio.create_task(
            self._ask(header, timeout_s, client=client, is_slow=known in self._slow, on_part=on_part)
        )
        if query_id is not None:
            self._running[query_id] = task
        try:
            result = _result(await task)
        except asyncio.CancelledError:
            task.cancel()
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            self._metrics.count("qt_sql_queries_total", outcome=QueryCancelledError.code)
            raise QueryCancelledError("The query was stopped.", hint="Run it again.") from None
        except QuacktraceError as error:
            self._metrics.count("qt_sql_queries_total", outcome=error.code)
            raise
        finally:
            if query_id is not None and self._running.get(query_id) is task:
                del self._running[query_id]
            self._note_time(known, time.monotonic() - started)
        self._metrics.count("qt_sql_queries_total", outcome="ok")
        self._metrics.observe("qt_sql_query_seconds", result.elapsed_ms / 1_000)
        return result

    def cancel(self, query_id: str) -> None:
        """Stop a query that runs or waits; its caller gets QueryCancelledError. Raises NotFoundError."""
        task = self._running.get(query_id)
        if task is None:
            raise NotFoundError("No query with this id is running.", hint="It may have ended already.")
        task.cancel()

    def _note_time(self, known: int, elapsed_s: float) -> None:
        self._slow.pop(known, None)
        if elapsed_s > _SLOW_S:
            self._slow[known] = None
            while len(self._slow) > _MOST_KNOWN:
                self._slow.popitem(last=False)

    async def column_types(self) -> Mapping[str, Mapping[str, str]]:
        """The DuckDB type of each public table's columns."""
        if self._column_types is None:
            answer = await self._ask({"describe": True}, _DESCRIBE_TIMEOUT_S, client="", is_slow=False)
            self._column_types = answer.header["column_types"]
        return self._column_types

    async def close(self) -> None:
        """End every idle worker; queries that still run end with their callers."""
        self._is_closed = True
        for worker, timer in self._idle:
            timer.cancel()
            self._end(worker)
        self._idle.clear()
        await asyncio.gather(*self._background)

    async def _ask(
        self,
        header: dict[str, Any],
        timeout_s: float,
        *,
        client: str,
        is_slow: bool,
        on_part: OnPart | None = None,
    ) -> Frame:
        try:
            async with asyncio.timeout(min(self._queue_wait_s, timeout_s)):
                await self._turns.take(client, is_slow=is_slow)
        except TimeoutError as error:
            raise OverloadedError("Other queries are running.", hint="Try again in a moment.") from error
        try:
            return await self._ask_any(header, timeout_s, on_part)
        finally:
            self._turns.release(client, is_slow=is_slow)

    async def _ask_any(self, header: dict[str, Any], timeout_s: float, on_part: OnPart | None) -> Frame:
        has_begun = False
        asked_at = time.monotonic()

        async def forward(part: bytes, is_gzip: bool) -> None:
            nonlocal has_begun
            has_begun = True
            assert on_part is not None
            await on_part(part, is_gzip)

        for _ in range(_ATTEMPTS):
            try:
                worker = await self._take()
            except (WorkerDiedError, TimeoutError, OSError) as error:
                raise OverloadedError(
                    f"No process can be started for the query: {error}", hint="Try again in a moment."
                ) from error
            left_s = max(asked_at + timeout_s - time.monotonic(), _LEAST_SHARE * timeout_s)
            answer = await self._ask_worker(worker, header, left_s, timeout_s, forward if on_part else None)
            if "failed" not in answer.header:
                return answer
            _log.warning("a SQL worker could not read the stored data: %s", answer.header["failed"])
            if has_begun:
                break
        raise OverloadedError("The stored data could not be read now.", hint="Try again in a moment.")

    async def _ask_worker(
        self,
        worker: WorkerProcess,
        header: dict[str, Any],
        left_s: float,
        timeout_s: float,
        on_part: OnPart | None,
    ) -> Frame:
        answer: Frame | None = None
        try:
            with self._store.snapshot() as snapshot:
                async with asyncio.timeout(left_s):
                    try:
                        answer = await worker.ask({**header, "snapshot": snapshot_header(snapshot)}, on_part)
                    except WorkerDiedError as error:
                        if isinstance(error, WorkerGoneError) or not await self._was_damage(snapshot):
                            raise
                if answer is None or (answer.header.get("may_be_damage") and await self._was_damage(snapshot)):
                    answer = Frame({"failed": "stored files were damaged"})
            return answer
        except WorkerGoneError as error:
            return Frame({"failed": str(error)})
        except WorkerDiedError as error:
            raise QueryTooLargeError(
                "The query ended the process that ran it, most likely for want of memory.",
                hint="Simplify the query, or select less.",
            ) from error
        except TimeoutError as error:
            raise QueryTimeoutError(
                f"The query was stopped after {timeout_s:g} s.",
                hint="Filter by start_time or trace_id, or give a larger timeout_s.",
            ) from error
        finally:
            # Timed out, cancelled, dead or broken: it goes; the snapshot may already be let go of.
            if answer is None or "failed" in answer.header or worker.resident_bytes > _MAX_IDLE_BYTES:
                self._end(worker)
                self._replace()
            else:
                self._keep(worker)

    async def _was_damage(self, snapshot: Snapshot) -> bool:
        """True if the store set something aside, so that the same query deserves another answer."""
        return await asyncio.to_thread(self._store.set_aside_damaged, snapshot)

    async def _take(self) -> WorkerProcess:
        while self._idle:
            worker, timer = self._idle.pop()
            timer.cancel()
            if worker.is_alive:
                return worker
            self._end(worker)
        return await WorkerProcess.start(self._store.sealed_dir, self._limits)

    def _replace(self) -> None:
        """Have a process ready for whoever asks next, who should not wait for a start."""
        if not self._idle and not self._is_closed:
            self._in_background(self._prepare())

    async def _prepare(self) -> None:
        try:
            worker = await WorkerProcess.start(self._store.sealed_dir, self._limits)
        except (WorkerDiedError, TimeoutError, OSError) as error:
            _log.warning("a SQL worker did not start: %s", error)
            return
        if self._is_closed:
            await worker.kill()
        else:
            self._keep(worker)

    def _keep(self, worker: WorkerProcess) -> None:
        idle_s = min(self._idle_s, _BIG_IDLE_S) if worker.resident_bytes > _BIG_IDLE_BYTES else self._idle_s
        timer = asyncio.get_running_loop().call_later(idle_s, self._retire, worker)
        self._idle.append((worker, timer))

    def _retire(self, worker: WorkerProcess) -> None:
        self._idle = [entry for entry in self._idle if entry[0] is not worker]
        self._end(worker)

    def _end(self, worker: WorkerProcess) -> None:
        self._in_background(worker.kill())

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _result(answer: Frame) -> SqlResult:
    header = answer.header
    if "error" in header:
        raise _error(header)
    return SqlResult(answer.body, header["is_gzip"], header["row_count"], header["truncated"], header["elapsed_ms"])


def _error(header: dict[str, Any]) -> QuacktraceError:
    if header["error"] == QueryTooLargeError.__name__:
        return QueryTooLargeError(header["message"], hint=header["hint"])
    return QueryRefusedError(header["message"], hint=header["hint"], position=header["position"])
