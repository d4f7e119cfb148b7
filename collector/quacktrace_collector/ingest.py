"""Group commit: whatever waits when the writer becomes idle is decoded and committed together, then answered.

One thread decodes and writes. There is no timer: a lone request is committed at once, and under load the batches grow
by themselves. Decoding in a second thread was measured to gain nothing (the GIL).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow.compute as pc

from quacktrace_collector.decode import Decoded, RequestOutcome, decode_logs, decode_spans
from quacktrace_collector.errors import OverloadedError, QuacktraceError, StoreUnavailableError
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.signal_kinds import Signal
from quacktrace_collector.store import Store
from quacktrace_collector.unused_memory import give_back_memory

_log = logging.getLogger(__name__)

MAX_WAITING_BYTES: Final = 64 << 20
_MAX_GROUP_BYTES: Final = 4 << 20
_MOST_WAIT_S: Final = 2.0
"""What waits is no more than was committed in this time: a flood makes it slower yet, and SDKs give up after 10 s."""
_LEAST_ROOM_BYTES: Final = 2 * _MAX_GROUP_BYTES
_TELLING_BYTES: Final = 256 << 10
"""Smaller commits say nothing about the rate: most of their time is fsync."""
_NEWEST_TRACES: Final = 20
_STALLED_S: Final = 8.0
"""Stock SDKs give a batch 10 s in all: who waits longer than this for the disk is told to come again."""
# Memory goes back to the system after a quiet second that follows this much, so never under a steady load.
_GIVE_BACK_AFTER_BYTES: Final = 1 << 20
_QUIET_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit added, for those who watch live."""

    spans: int
    logs: int
    trace_ids: Sequence[str]


@dataclass(slots=True, eq=False)
class _Waiting:
    signal: Signal
    body: bytes
    answer: asyncio.Future[RequestOutcome]


class Ingest:
    """Accepts validated OTLP bodies from the event loop and answers them once they are on disk."""

    def __init__(
        self,
        store: Store,
        *,
        metrics: Metrics,
        on_commit: Callable[[Committed], None],
        max_waiting_bytes: int = MAX_WAITING_BYTES,
        stalled_s: float = _STALLED_S,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._on_commit = on_commit
        self._max_waiting_bytes = max_waiting_bytes
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._stalled_s = stalled_s
        self._committing_since: float | None = None
        self._unreturned_bytes = 0
        self._bytes_per_s = float("inf")
        self._condition = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
        self._thread.start()
        metrics.gauge("qt_ingest_waiting_bytes", lambda: self._waiting_bytes)
        metrics.gauge("qt_ingest_waiting_requests", lambda: len(self._waiting))
        for name in ("received_spans", "stored_spans", "duplicate_spans", "conflicting_spans", "rejected_spans"):
            metrics.count(f"qt_ingest_{name}_total", 0)  # a scrape of a new collector shows them too

    async def submit(self, signal: Signal, body: bytes) -> RequestOutcome:
        """Store a validated ExportTraceServiceRequest or ExportLogsServiceRequest; returns after COMMIT with fsync.

        Raises:
            OverloadedError: the queue is full; nothing was stored.
            StoreUnavailableError: the commit failed and nothing was stored, or it takes too long and may be stored yet.
            MalformedBodyError: the body cannot be decoded after all.
        """
        answer: asyncio.Future[RequestOutcome] = self._loop.create_future()
        with self._condition:
            if self._stopping:
                raise StoreUnavailableError("the collector is stopping", hint="send the same request again in a second")
            self.check_room(len(body))
            since = self._committing_since
            if since is not None and time.monotonic() - since > self._stalled_s:
                raise self._stalled()
            waiting = _Waiting(signal, body, answer)
            self._waiting.append(waiting)
            self._waiting_bytes += len(body)
            self._condition.notify()
        try:
            async with asyncio.timeout(self._stalled_s):
                return await answer
        except TimeoutError:
            self._give_up(waiting)
            raise self._stalled() from None

    def check_room(self, size: int) -> None:
        """Pass when a request of so many bytes has room in the queue.

        Raises:
            OverloadedError: it has none now.
        """
        room = min(self._max_waiting_bytes, max(_LEAST_ROOM_BYTES, self._bytes_per_s * _MOST_WAIT_S))
        if self._waiting_bytes + size > room and self._waiting:
            self._metrics.count("qt_ingest_rejected_requests_total", reason="overloaded")
            raise OverloadedError("the ingest queue is full", hint="send the same request again in a second")

    def give_back_later(self) -> None:
        """Memory was used for what is not stored: it goes back to the system once it is quiet."""
        with self._condition:
            self._unreturned_bytes += _GIVE_BACK_AFTER_BYTES + 1
            self._condition.notify()

    def stop(self) -> None:
        """Commit and answer what waits, then end the thread; blocks."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        while (group := self._next_group()) is not None:
            if group:
                self._serve(group)
            else:
                give_back_memory()
            del group  # the bodies must not stay until the next request comes

    def _next_group(self) -> list[_Waiting] | None:
        """What is to be committed next; nothing after a quiet second, None at the end."""
        with self._condition:
            while not self._waiting:
                if self._stopping:
                    return None
                if self._unreturned_bytes <= _GIVE_BACK_AFTER_BYTES:
                    self._condition.wait()
                elif not self._condition.wait(_QUIET_S):
                    self._unreturned_bytes = 0
                    return []
            return self._take_group()

    def _serve(self, group: list[_Waiting]) -> None:
        self._committing_since = began = time.monotonic()
        answers = self._commit(group)
        self._committing_since = None
        if (size := sum(len(waiting.body) for waiting in group)) >= _TELLING_BYTES:
            rate = size / (time.monotonic() - began)
            self._bytes_per_s = rate if self._bytes_per_s == float("inf") else 0.8 * self._bytes_per_s + 0.2 * rate
        self._loop.call_soon_threadsafe(_answer, answers)

    def _give_up(self, waiting: _Waiting) -> None:
        """Nobody waits for it any more; what is being committed already is stored all the same."""
        with self._condition, contextlib.suppress(ValueError):
            self._waiting.remove(waiting)
            self._waiting_bytes -= len(waiting.body)

    def _stalled(self) -> StoreUnavailableError:
        self._metrics.count("qt_ingest_rejected_requests_total", reason="store_stalled")
        return StoreUnavailableError(
            f"the disk has not taken anything for {self._stalled_s:g} s",
            hint="send the same request again in a second",
            code="store_stalled",
        )

    def _take_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        while self._waiting and (not group or size + len(self._waiting[0].body) <= _MAX_GROUP_BYTES):
            waiting = self._waiting.popleft()
            group.append(waiting)
            size += len(waiting.body)
        self._waiting_bytes -= size
        self._unreturned_bytes += size
        return group

    def _commit(self, group: list[_Waiting]) -> list[tuple[_Waiting, RequestOutcome | Exception]]:
        try:
            return list(zip(group, self._store_group(group), strict=True))
        except Exception as error:
            if len(group) > 1 and not isinstance(error, (StoreUnavailableError, OverloadedError)):
                # One body spoils the group: each is tried alone, so that only it is refused.
                return [answered for waiting in group for answered in self._commit([waiting])]
            if not isinstance(error, QuacktraceError):
                _log.exception("a request could not be stored")
                error = StoreUnavailableError(f"the request could not be stored: {error}")
            self._metrics.count("qt_ingest_rejected_requests_total", len(group), reason=error.code)
            return [(waiting, error) for waiting in group]

    def _store_group(self, group: list[_Waiting]) -> list[RequestOutcome]:
        received_at_ns = time.time_ns()
        began = time.perf_counter()
        by_signal = {signal: [w.body for w in group if w.signal is signal] for signal in (Signal.TRACES, Signal.LOGS)}
        spans = _decode(decode_spans, by_signal[Signal.TRACES], received_at_ns)
        logs = _decode(decode_logs, by_signal[Signal.LOGS], received_at_ns)
        decoded = time.perf_counter()
        result = self._store.append(spans, logs)
        self._metrics.observe("qt_decode_seconds", decoded - began)
        self._metrics.observe_in_buckets("qt_commit_seconds", time.perf_counter() - decoded)
        for name, part in (("spans", spans), ("logs", logs)):
            if part is not None:
                self._count(name, part)
        self._metrics.count("qt_ingest_stored_spans_total", result.stored_spans)
        self._metrics.count("qt_ingest_duplicate_spans_total", result.duplicate_spans)
        self._metrics.count("qt_ingest_conflicting_spans_total", result.conflicting_spans)
        self._metrics.count("qt_ingest_normalised_total", result.duplicate_spans, kind="duplicate")
        self._metrics.count("qt_ingest_normalised_total", result.conflicting_spans, kind="conflict")
        self._metrics.count("qt_ingest_stored_logs_total", result.stored_logs)
        self._on_commit(Committed(result.stored_spans, result.stored_logs, _newest_traces(spans)))
        outcomes = {
            Signal.TRACES: iter(spans.outcomes if spans else ()),
            Signal.LOGS: iter(logs.outcomes if logs else ()),
        }
        return [next(outcomes[waiting.signal]) for waiting in group]

    def _count(self, name: str, decoded: Decoded) -> None:
        for outcome in decoded.outcomes:
            self._metrics.count(f"qt_ingest_received_{name}_total", outcome.received)
            for reason, rejected in outcome.rejected.items():
                self._metrics.count(f"qt_ingest_rejected_{name}_total", rejected, reason=reason)
        for kind, normalised in decoded.normalised.items():
            self._metrics.count("qt_ingest_normalised_total", normalised, kind=kind)


def _decode(decode: Callable[..., Decoded], bodies: list[bytes], received_at_ns: int) -> Decoded | None:
    return decode(bodies, received_at_ns=received_at_ns) if bodies else None


def _newest_traces(spans: Decoded | None) -> list[str]:
    if spans is None or not spans.table.num_rows:
        return []
    newest = spans.table["trace_id"].slice(max(0, spans.table.num_rows - 10 * _NEWEST_TRACES))
    return [str(trace_id) for trace_id in pc.unique(newest).to_pylist()][-_NEWEST_TRACES:]


def _answer(answers: list[tuple[_Waiting, RequestOutcome | Exception]]) -> None:
    for waiting, outcome in answers:
        if waiting.answer.done():
            continue  # the client went away; its spans are stored all the same
        if isinstance(outcome, Exception):
            waiting.answer.set_exception(outcome)
        else:
            waiting.answer.set_result(outcome)
