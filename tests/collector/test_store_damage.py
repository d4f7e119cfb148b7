"""Damaged files are set aside, at the start or when something meets them, and the rest is served."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from quacktrace_collector.decode import Decoded, decode_logs, decode_spans
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.sql.pool import SqlPool
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.files import read_rollup_table
from quacktrace_collector.time_range import TimeRange

from .conftest import BASE_NS, LogRow, SpanRow, logs_request, spans_request
from .test_store_faults import wait_until

EVERYTHING = TimeRange(0, 2**62)
HASHES = "select count(*) as n, sum(hash(name, attributes, start_time)) as h from spans"


def filled(data_dir: Path) -> Store:
    """Two segments of thirty spans and a log record each, and as many that are hot."""
    store = Store(data_dir, metrics=Metrics())
    for trace in (1, 2, 3):
        rows = [SpanRow(trace=trace, span=trace * 100 + i, attributes={"n": i * trace}) for i in range(1, 31)]
        store.append(
            decode_spans([spans_request(rows)], received_at_ns=BASE_NS),
            decode_logs([logs_request([LogRow(f"log {trace}", trace=trace)])], received_at_ns=BASE_NS),
        )
        if trace < 3:
            store.seal_now()
            wait_until(lambda: store.unsealed_generations == 0)
    return store


def ruin(path: Path) -> None:
    """Overwrite the middle in place, as a bad sector does."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle - 40 : middle + 40] = bytes(80)
    path.write_bytes(content)


def newest(data_dir: Path) -> Path:
    """The folder of the segment that was sealed last."""
    return max((data_dir / "sealed").iterdir())


def count(store: Store) -> int:
    return int(store.query(HASHES).to_pylist()[0]["n"])


def calls(store: Store) -> int:
    return sum(sum(table["calls"].to_pylist()) for table in store.rollup_rows("red", EVERYTHING))


@pytest.mark.parametrize("name", ["spans.parquet", "logs.parquet", "segment.json"])
@pytest.mark.parametrize("is_truncated", [True, False])
def test_a_segment_with_a_damaged_file_is_set_aside(tmp_path: Path, name: str, is_truncated: bool) -> None:
    filled(tmp_path).close()
    victim = tmp_path / "sealed" / "000000000001-000000000001" / name
    if is_truncated:
        victim.write_bytes(victim.read_bytes()[:-7])
    else:
        ruin(victim)
    store = Store(tmp_path)
    wait_until(lambda: bool(store.quarantined))
    assert count(store) == 60
    assert store.query("select body from logs order by 1").to_pylist() == [{"body": "log 2"}, {"body": "log 3"}]
    assert calls(store) == 60
    assert store.is_partial
    assert [problem.code for problem in store.problems()] == ["quarantined"]
    assert (tmp_path / "quarantine" / "000000000001-000000000001" / name).exists()
    store.close()


@pytest.mark.parametrize("name", ["red.parquet", "traces.parquet", "traces.keys.npy"])
def test_what_is_made_from_the_spans_is_made_again(tmp_path: Path, name: str) -> None:
    filled(tmp_path).close()
    ruin(newest(tmp_path) / name)
    store = Store(tmp_path)
    wait_until(lambda: bool(store.quarantined))
    assert count(store) == 90
    assert calls(store) == 90
    assert len(store.query("select 1 from spans", trace_ids=[f"{2:032x}"])) >= 30
    store.close()


def test_a_query_that_meets_a_damaged_file_is_answered_from_the_rest(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert count(store) == 90
    (newest(tmp_path) / "spans.parquet").write_bytes(b"PAR1 nothing PAR1")
    assert count(store) == 60
    assert len(store.quarantined) == 1
    store.close()


async def test_user_sql_that_meets_a_damaged_file_is_answered_from_the_rest(tmp_path: Path) -> None:
    store = filled(tmp_path)
    pool = SqlPool(store, workers=1)
    (newest(tmp_path) / "spans.parquet").write_bytes(b"PAR1 nothing PAR1")
    answer = await pool.run("select count(distinct name || span_id) as n from spans")
    await pool.close()
    assert b"[60]" in answer.body
    assert len(store.quarantined) == 1
    store.close()


def batch(trace: int) -> tuple[Decoded, Decoded]:
    """Ten spans and a log record."""
    rows = [SpanRow(trace=trace, span=trace * 100 + index, attributes={"n": index}) for index in range(1, 11)]
    return (
        decode_spans([spans_request(rows)], received_at_ns=BASE_NS),
        decode_logs([logs_request([LogRow(f"log {trace}", trace=trace)])], received_at_ns=BASE_NS),
    )


def contents(store: Store) -> tuple[list[object], list[object]]:
    """Everything that is stored, in order."""
    spans = store.query("select span_id, service_name, attributes['n'] as n from spans order by span_id")
    return spans.to_pylist(), store.query("select body, service_name from logs order by body").to_pylist()


@pytest.mark.parametrize("part", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("is_truncated", [True, False])
def test_commits_that_a_damaged_log_lost_come_back_from_the_feed(
    tmp_path: Path, part: float, is_truncated: bool
) -> None:
    store = Store(tmp_path)
    for trace in range(1, 21):
        store.append(*batch(trace))
    stored = contents(store)
    store.close()
    (log,) = (tmp_path / "hot").glob("*.wal")
    content = bytearray(log.read_bytes())
    place = int(part * len(content))
    if is_truncated:
        del content[place:]
    else:
        content[place] ^= 1
    log.write_bytes(content)
    for _ in range(2):
        store = Store(tmp_path)
        assert contents(store) == stored
        assert store.append(*batch(7)).stored_spans == 0
        stored = contents(store)
        store.close()


def test_a_batch_that_never_reached_the_log_is_no_damage(tmp_path: Path) -> None:
    """As after a kill between the feed and the commit: the sender sends it again."""
    store = Store(tmp_path)
    for trace in (1, 2):
        store.append(*batch(trace))
    store.close()
    (log,) = (tmp_path / "hot").glob("*.wal")
    committed = log.stat().st_size
    store = Store(tmp_path)
    store.close()
    assert store.quarantined == []
    store = Store(tmp_path)
    store.append(*batch(3))
    store.close()
    log = max((tmp_path / "hot").glob("*.wal"))
    os.truncate(log, log.stat().st_size - committed // 3)
    store = Store(tmp_path)
    assert store.append(*batch(3)).stored_spans == 0
    assert contents(store)[1] == [{"body": f"log {trace}", "service_name": "shop"} for trace in (1, 2, 3)]
    assert store.quarantined == []
    store.close()


def test_damage_to_what_was_found_sound_a_moment_ago_is_found_again(tmp_path: Path) -> None:
    filled(tmp_path).close()
    metrics = Metrics()
    store = Store(tmp_path, metrics=metrics)
    assert count(store) == 90
    wait_until(lambda: re.search(r"^qt_store_inspected_segments [23]", metrics.render(), re.MULTILINE) is not None)
    ruin(tmp_path / "sealed" / "000000000001-000000000001" / "spans.parquet")
    assert count(store) == 60
    store.close()


def test_sums_with_a_flipped_bit_are_not_read(tmp_path: Path) -> None:
    filled(tmp_path).close()
    path = newest(tmp_path) / "red.parquet"
    content = path.read_bytes()
    for place in range(0, len(content), 101):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(OSError, match="checksum"):
            read_rollup_table(path.parent, "red")
    path.write_bytes(content)
    assert read_rollup_table(path.parent, "red").num_rows
