"""A span that says it is open is one row until its ended one takes its place, wherever either of them is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from quacktrace_collector.decode import decode_spans
from quacktrace_collector.sql.pool import SqlPool
from quacktrace_collector.store import AppendResult, Store
from quacktrace_collector.time_range import TimeRange

from .conftest import BASE_NS, SpanRow, SpanStore, spans_request

EVERYTHING = TimeRange(0, 2**62)
OPEN = {"quacktrace.span.state": "open", "step": 1}


def append(store: Store, *rows: SpanRow) -> AppendResult:
    return store.append(decode_spans([spans_request(rows)], received_at_ns=BASE_NS), None)


def opened(span: int) -> SpanRow:
    return SpanRow(trace=1, span=span, name=f"span {span}", duration_ms=0, attributes=OPEN)


def ended(span: int) -> SpanRow:
    return SpanRow(trace=1, span=span, name=f"span {span}", duration_ms=50)


def durations(store: Store) -> dict[str, int]:
    rows = store.query("select name, duration_ns // 1000000 as ms from spans").to_pylist()
    assert len(rows) == len({row["name"] for row in rows}), "one row each"
    assert store.counts()[0] == len(rows)
    return {row["name"]: row["ms"] for row in rows}


def calls(store: Store) -> int:
    return sum(sum(table["calls"].to_pylist()) for table in store.rollup_rows("red", EVERYTHING))


def test_an_ended_span_takes_the_place_of_the_open_one(span_store: SpanStore, sealed: Callable[[], None]) -> None:
    store = span_store.store
    append(store, opened(1), opened(2), ended(3))
    assert durations(store) == {"span 1": 0, "span 2": 0, "span 3": 50}
    assert calls(store) == 1, "what goes on has no duration to sum"
    result = append(store, ended(1))
    assert (result.stored_spans, result.duplicate_spans) == (1, 0)
    sealed()
    assert durations(store) == {"span 1": 50, "span 2": 0, "span 3": 50}
    append(store, ended(2))
    assert durations(store) == {"span 1": 50, "span 2": 50, "span 3": 50}
    assert calls(store) == 3


def test_an_open_span_never_takes_the_place_of_an_ended_one(span_store: SpanStore, sealed: Callable[[], None]) -> None:
    store = span_store.store
    append(store, ended(1), opened(1), opened(2), opened(2))
    for _ in range(2):
        result = append(store, opened(1), opened(2))
        assert (result.stored_spans, result.duplicate_spans) == (0, 2)
        assert durations(store) == {"span 1": 50, "span 2": 0}
        sealed()


def test_open_spans_outlive_the_process_and_end_in_the_next(tmp_path: Path) -> None:
    store = Store(tmp_path)
    append(store, opened(1), opened(2), opened(3))
    append(store, ended(3))
    store.close()
    store = Store(tmp_path)
    assert durations(store) == {"span 1": 0, "span 2": 0, "span 3": 50}
    append(store, ended(1))
    store.close()
    store = Store(tmp_path)
    assert durations(store) == {"span 1": 50, "span 2": 0, "span 3": 50}
    store.close()


def test_an_end_that_was_committed_before_a_crash_takes_the_place_at_the_next_start(tmp_path: Path) -> None:
    store = Store(tmp_path)
    append(store, opened(1))
    before = {path: path.read_bytes() for path in (tmp_path / "open").iterdir()}
    append(store, ended(1))
    store.close()
    for path in (tmp_path / "open").iterdir():
        path.unlink()
    for path, content in before.items():
        path.write_bytes(content)
    store = Store(tmp_path)
    assert durations(store) == {"span 1": 50}
    store.close()


@pytest.mark.parametrize("damage", [b"", b"torn"])
def test_damaged_open_spans_do_not_keep_the_store_from_opening(tmp_path: Path, damage: bytes) -> None:
    store = Store(tmp_path)
    append(store, opened(1), ended(2))
    store.close()
    for path in (tmp_path / "open").iterdir():
        path.write_bytes(damage)
    store = Store(tmp_path)
    assert durations(store) == {"span 2": 50}
    append(store, opened(1))
    assert durations(store) == {"span 1": 0, "span 2": 50}
    store.close()


async def test_sql_workers_see_open_spans_end(span_store: SpanStore) -> None:
    pool = SqlPool(span_store.store, workers=1)
    seen = []
    for row in (opened(1), opened(2), ended(1)):
        append(span_store.store, row)
        answer = await pool.run(
            "select string_agg(span_id[-1:] || ':' || duration_ns, ' ' order by span_id) from spans"
        )
        seen.append(answer.body)
    await pool.close()
    assert b"1:0" in seen[0]
    assert b"1:0 2:0" in seen[1]
    assert b"1:50000000 2:0" in seen[2]
