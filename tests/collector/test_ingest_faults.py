"""Received = stored + duplicate + rejected, whatever goes wrong: overload, resends, faults of the store."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from quacktrace_collector.decode import RequestOutcome
from quacktrace_collector.errors import OverloadedError, StoreUnavailableError
from quacktrace_collector.ingest import Ingest
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.signal_kinds import Signal
from quacktrace_collector.store import Store

from .conftest import SpanRow, spans_request
from .test_store_faults import broken_log

SPANS = 20


def body(trace: int) -> bytes:
    """Twenty spans, two of them without a valid id."""
    good = [SpanRow(trace=trace, span=trace * 100 + index) for index in range(1, SPANS - 1)]
    return spans_request([*good, SpanRow(trace=0, span=1), SpanRow(trace=trace, span=0)])


class Sender:
    """Sends as an SDK does: again, as long as the answer says so."""

    def __init__(self, ingest: Ingest, metrics: Metrics, store: Store) -> None:
        self.ingest, self.metrics, self.store = ingest, metrics, store
        self.refusals: list[str] = []
        self.refused: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def send(self, traces: Sequence[int]) -> list[RequestOutcome]:
        return await asyncio.gather(*(self._deliver(body(trace)) for trace in traces))

    async def _deliver(self, content: bytes) -> RequestOutcome:
        while True:
            try:
                return await self.ingest.submit(Signal.TRACES, content)
            except (OverloadedError, StoreUnavailableError) as error:
                self.refusals.append(error.code)
                self.refused[error.code].set()
                await asyncio.sleep(0.01)

    def check(self, traces: int) -> None:
        """Every request was answered with success at least once."""
        value = self.metrics.value
        received = value("qt_ingest_received_spans_total")
        rejected = value("qt_ingest_rejected_spans_total", reason="invalid_id")
        stored, duplicate = value("qt_ingest_stored_spans_total"), value("qt_ingest_duplicate_spans_total")
        assert received == stored + duplicate + rejected
        assert stored == traces * (SPANS - 2) == self.store.counts()[0]
        row = self.store.query("select count(*) as n, count(distinct (trace_id, span_id)) as ids from spans")
        assert row.to_pylist() == [{"n": stored, "ids": stored}]
        assert sum(self.refusals.count(code) for code in set(self.refusals)) == sum(
            value("qt_ingest_rejected_requests_total", reason=code) for code in set(self.refusals)
        )


@pytest.fixture
async def sender(tmp_path: Path) -> AsyncIterator[Sender]:
    metrics = Metrics()
    store = Store(tmp_path, metrics=metrics, generation_spans=500)
    ingest = Ingest(store, metrics=metrics, on_commit=lambda _committed: None, max_waiting_bytes=20 * len(body(1)))
    yield Sender(ingest, metrics, store)
    await asyncio.to_thread(ingest.stop)
    await asyncio.to_thread(store.close)


async def test_overload_and_five_resends_leave_one_row_each(sender: Sender) -> None:
    for _ in range(5):
        await sender.send(range(1, 201))
        sender.check(200)
    assert "overloaded" in sender.refusals


async def test_a_full_disk_is_waited_out(sender: Sender) -> None:
    await sender.send([1])
    least_bytes, sender.store.space.least_bytes = sender.store.space.least_bytes, 1 << 62
    sending = asyncio.create_task(sender.send(range(2, 12)))
    await sender.refused["disk_full"].wait()
    sender.check(1)
    sender.store.space.least_bytes = least_bytes
    await sending
    sender.check(11)


async def test_a_failing_disk_is_waited_out(sender: Sender) -> None:
    await sender.send([1])
    with broken_log(sender.store):
        sending = asyncio.create_task(sender.send(range(2, 12)))
        await sender.refused["store_unavailable"].wait()
    await sending
    sender.check(11)


async def test_who_waits_too_long_for_the_disk_is_told_to_come_again(tmp_path: Path) -> None:
    metrics, goes_on = Metrics(), threading.Event()
    store = Store(tmp_path, metrics=metrics)
    ingest = Ingest(store, metrics=metrics, on_commit=lambda _committed: bool(goes_on.wait()), stalled_s=1.0)
    sender = Sender(ingest, metrics, store)
    answers = await asyncio.gather(
        *(ingest.submit(Signal.TRACES, body(trace)) for trace in (1, 2, 3)), return_exceptions=True
    )
    with pytest.raises(StoreUnavailableError) as refused:
        await ingest.submit(Signal.TRACES, body(4))
    for error in (*answers, refused.value):
        assert isinstance(error, StoreUnavailableError)
        assert error.code == "store_stalled"
    sender.refusals = ["store_stalled"] * 4
    goes_on.set()
    await sender.send(range(1, 5))
    sender.check(4)
    await asyncio.to_thread(ingest.stop)
    await asyncio.to_thread(store.close)
