"""What a store does when the disk fills up, a write fails, or DuckDB gives up: nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from quacktrace_collector.decode import Decoded, decode_spans
from quacktrace_collector.errors import StartupError, StoreUnavailableError
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.store import Store

from .conftest import BASE_NS, SpanRow, spans_request

COUNT = "select count(*) as n, count(distinct (trace_id, span_id)) as ids from spans"


def counted(store: Store) -> tuple[int, int]:
    row = store.query(COUNT).to_pylist()[0]
    return row["n"], row["ids"]


def batch(trace: int, *, kilobytes: int = 1) -> Decoded:
    """Ten spans that compress badly."""
    noise = random.Random(trace)
    rows = [
        SpanRow(trace=trace, span=trace * 100 + index, attributes={"noise": noise.randbytes(512 * kilobytes).hex()})
        for index in range(1, 11)
    ]
    return decode_spans([spans_request(rows)], received_at_ns=BASE_NS)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def answers(store: Store) -> bool:
    try:
        store.query("select 1 from spans limit 1")
    except StoreUnavailableError:
        return False
    return True


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB of its own."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(tmp_path)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root can mount a disk of its own")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@contextmanager
def broken_log(store: Store) -> Iterator[None]:
    """Writes to the generation's log go to /dev/null, which refuses fsync as a dying disk does."""
    (log,) = [fd for fd in os.listdir("/proc/self/fd") if _is_log_of(fd, store.data_dir)]
    kept, broken = os.dup(int(log)), os.open(os.devnull, os.O_RDWR)
    os.dup2(broken, int(log))
    try:
        yield
    finally:
        os.dup2(kept, int(log))
        os.close(kept)
        os.close(broken)


def _is_log_of(fd: str, data_dir: Path) -> bool:
    try:
        target = os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return False
    return target.startswith(str(data_dir)) and target.endswith("1.duckdb.wal")


def fill(store: Store) -> int:
    """Append until the disk is full; the traces that were acknowledged."""
    for trace in range(1, 10_000):
        try:
            store.append(batch(trace, kilobytes=16), None)
        except StoreUnavailableError:
            return trace - 1
    raise AssertionError("the disk did not fill up")


def test_a_disk_that_fills_while_committing_loses_nothing_acknowledged(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(8 << 20))
    store = Store(small_disk / "data", least_free_bytes=0)
    stored = fill(store)
    assert counted(store) == (stored * 10,) * 2, "what is stored is still read"
    ballast.unlink()
    for trace in (stored, stored + 1):
        store.append(batch(trace, kilobytes=16), None)
    assert counted(store) == ((stored + 1) * 10,) * 2
    store.close()
    store = Store(small_disk / "data", least_free_bytes=0)
    assert counted(store) == ((stored + 1) * 10,) * 2
    assert store.quarantined == []
    store.close()


def fill_disk(ballast: Path, piece: int) -> None:
    """Write pieces of so many bytes until the disk is full."""
    with ballast.open("ab", buffering=0) as file:

        def write_for_ever() -> None:
            while True:
                file.write(bytes(piece))

        with pytest.raises(OSError, match="No space left"):
            write_for_ever()


def test_a_disk_that_fills_while_sealing_keeps_the_generation_hot_until_there_is_room(small_disk: Path) -> None:
    metrics = Metrics()
    store = Store(small_disk / "data", least_free_bytes=0, metrics=metrics)
    for trace in range(1, 16):
        store.append(batch(trace, kilobytes=16), None)
    ballast = small_disk / "ballast"
    fill_disk(ballast, 1 << 16)
    store.seal_now()
    wait_until(lambda: metrics.value("qt_seal_failures_total") > 0)
    assert counted(store) == (150, 150)
    ballast.unlink()
    wait_until(lambda: store.unsealed_generations == 0)
    assert counted(store) == (150, 150)
    store.close()


def test_a_feed_that_cannot_be_written_stores_nothing_of_the_batch(tmp_path: Path) -> None:
    """It is written before the log, so that the limit on a file's size hits it first."""
    store = Store(tmp_path, least_free_bytes=0)
    store.append(batch(1), None)
    (feed,) = (tmp_path / "hot").glob("000000000001.spans-*.arrows")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (feed.stat().st_size + 10, before[1]))
    try:
        with pytest.raises(StoreUnavailableError):
            store.append(batch(2), None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert counted(store) == (10, 10)
    store.append(batch(2), None)
    store.seal_now()
    wait_until(lambda: store.unsealed_generations == 0)
    assert counted(store) == (20, 20)
    store.close()


def test_below_the_free_space_to_keep_nothing_new_is_taken_and_it_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(batch(1), None)
    store.space.least_bytes = store.space.free_bytes * 2
    with pytest.raises(StoreUnavailableError, match="MB free") as refused:
        store.append(batch(2), None)
    assert refused.value.code == "disk_full"
    assert [problem.code for problem in store.problems() if problem.stops_ingest] == ["disk_full"]
    assert counted(store) == (10, 10)
    store.space.least_bytes = 0
    store.append(batch(2), None)
    assert counted(store) == (20, 20)
    assert store.problems() == []
    store.close()


def test_a_start_on_a_full_disk_is_one_line_and_harms_nothing(small_disk: Path) -> None:
    store = Store(small_disk / "data", least_free_bytes=0)
    for trace in range(1, 11):
        store.append(batch(trace, kilobytes=16), None)
    store.close()
    ballast = small_disk / "ballast"
    fill_disk(ballast, 1 << 16)
    for feed in (small_disk / "data" / "hot").glob("*.arrows"):
        feed.write_bytes(b"")
    fill_disk(ballast, 1 << 12)
    with pytest.raises(StartupError, match="cannot be opened"):
        Store(small_disk / "data", least_free_bytes=0)
    ballast.unlink()
    store = Store(small_disk / "data", least_free_bytes=0)
    assert counted(store) == (100, 100)
    store.close()


def test_after_a_failed_fsync_nothing_more_goes_into_that_generation(tmp_path: Path) -> None:
    """DuckDB 2.0.0 corrupts its heap when it commits to a log whose fsync failed."""
    store = Store(tmp_path)
    store.append(batch(1), None)
    with broken_log(store), pytest.raises(StoreUnavailableError, match="fsync"):
        store.append(batch(2), None)
    for trace in (2, 3):
        store.append(batch(trace), None)
    assert counted(store) == (30, 30)
    wait_until(lambda: store.unsealed_generations == 0)
    assert counted(store) == (30, 30)
    store.close()
    store = Store(tmp_path)
    assert counted(store) == (30, 30)
    store.close()


def test_an_invalidated_instance_is_replaced_while_the_process_lives(tmp_path: Path) -> None:
    metrics = Metrics()
    store = Store(tmp_path, metrics=metrics)
    store.append(batch(1), None)
    store.seal_now()
    wait_until(lambda: store.unsealed_generations == 0)
    store.append(batch(2), None)
    for lives in (1, 2):
        invalidate(store)
        with pytest.raises(StoreUnavailableError):
            store.append(batch(3), None)
        wait_until(lambda: answers(store))
        assert metrics.value("qt_store_reopened_total") == lives
    assert counted(store) == (20, 20)
    result = store.append(batch(2), None)
    assert result.duplicate_spans == 10
    store.append(batch(3), None)
    assert counted(store) == (30, 30)
    store.close()
    store = Store(tmp_path)
    assert counted(store) == (30, 30)
    store.close()


def invalidate(store: Store) -> None:
    """What a fatal error leaves: an instance that refuses everything, its files still attached."""
    instance = store._instance
    assert instance is not None
    instance._connection.close()
    instance._writer.close()
