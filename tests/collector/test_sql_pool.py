"""User SQL in real worker processes: fresh data, deadlines, memory, and nothing left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from quacktrace_collector.errors import (
    OverloadedError,
    QueryRefusedError,
    QueryTimeoutError,
    QueryTooLargeError,
)
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.sql.pool import SqlPool
from quacktrace_collector.sql.worker_process import WorkerLimits

from .conftest import SpanRow, SpanStore

ENDLESS = "select count(*) from range(1000000000000) a, range(1000000) b"


@pytest.fixture
async def pool(span_store: SpanStore) -> AsyncIterator[SqlPool]:
    pool = SqlPool(span_store.store)
    yield pool
    await pool.close()


async def rows(pool: SqlPool, sql: str, *, timeout_s: float = 60.0) -> list[list[Any]]:
    decoded: list[list[Any]] = json.loads((await pool.run(sql, timeout_s=timeout_s)).body)["rows"]
    return decoded


async def until(condition: Callable[[], bool]) -> None:
    def wait() -> None:
        for _ in range(6000):
            if condition():
                return
            threading.Event().wait(0.01)
        pytest.fail("the condition did not come true within a minute")

    await asyncio.to_thread(wait)


async def gone(pid: int) -> None:
    """Wait until the process has ended."""
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


async def test_query_sees_every_batch_that_was_stored_before_it(
    pool: SqlPool, span_store: SpanStore, sealed: Callable[[], None]
) -> None:
    assert await rows(pool, "select count(*) from spans") == [[0]]
    (worker,) = pool.idle_workers
    for batch in range(1, 21):
        span_store.add(*(SpanRow(batch, span) for span in range(1, 6)))
        assert await rows(pool, "select count(*), count(distinct trace_id) from spans") == [[5 * batch, batch]]
    await asyncio.to_thread(sealed)
    assert await rows(pool, "select count(*), count(distinct trace_id) from spans") == [[100, 20]]
    assert await rows(pool, "select sum(span_count) from segments") == [[100]]
    span_store.add(SpanRow(99, 1))
    assert await rows(pool, "select count(*) from spans") == [[101]]
    assert [idle.pid for idle in pool.idle_workers] == [worker.pid]


async def test_queries_run_side_by_side_while_spans_arrive(pool: SqlPool, span_store: SpanStore) -> None:
    stop = threading.Event()

    def ingest() -> None:
        trace = 1
        while not stop.is_set():
            span_store.add(SpanRow(trace, 1), SpanRow(trace, 2, 1))
            trace += 1

    writer = threading.Thread(target=ingest)
    writer.start()
    try:
        for _ in range(10):
            answers = await asyncio.gather(
                rows(pool, "select count(*) % 2 from spans"),
                rows(pool, "select count(*) from traces where span_count <> 2"),
            )
            assert list(answers) == [[[0]], [[0]]]
    finally:
        stop.set()
        writer.join()


async def test_query_is_killed_at_its_deadline_and_the_next_one_answers(pool: SqlPool) -> None:
    assert await rows(pool, "select 1") == [[1]]
    (worker,) = pool.idle_workers
    with pytest.raises(QueryTimeoutError, match=r"0\.5 s"):
        await pool.run(ENDLESS, timeout_s=0.5)
    await gone(worker.pid)
    assert await rows(pool, "select 2") == [[2]]


async def test_memory_is_bounded_and_the_next_query_answers(pool: SqlPool) -> None:
    for sql in (
        "select repeat('x', 2000000000)",
        "select list(md5(i::varchar)) from range(100000000) t(i)",
    ):
        with pytest.raises((QueryTooLargeError, QueryTimeoutError)):
            await pool.run(sql, timeout_s=20)
    assert await rows(pool, "select 1") == [[1]]


async def test_result_larger_than_the_cap_is_too_large(pool: SqlPool) -> None:
    with pytest.raises(QueryTooLargeError):
        await pool.run("select repeat('x', 1000000) from range(200)", timeout_s=60)


async def test_worker_that_dies_in_a_query_costs_only_that_query(pool: SqlPool) -> None:
    assert await rows(pool, "select 1") == [[1]]
    (worker,) = pool.idle_workers
    query = asyncio.create_task(pool.run(ENDLESS, timeout_s=60))
    process = psutil.Process(worker.pid)
    used_s = process.cpu_times().user
    await until(lambda: process.cpu_times().user > used_s + 0.1)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(QueryTooLargeError, match="ended the process"):
        await query
    assert await rows(pool, "select 1") == [[1]]


async def test_worker_that_died_while_idle_is_replaced(pool: SqlPool) -> None:
    assert await rows(pool, "select 1") == [[1]]
    (worker,) = pool.idle_workers
    os.kill(worker.pid, signal.SIGKILL)
    await gone(worker.pid)
    assert await rows(pool, "select 1") == [[1]]


async def test_busy_pool_says_so_after_a_short_wait(span_store: SpanStore) -> None:
    pool = SqlPool(span_store.store, workers=1, queue_wait_s=0.05)
    running = asyncio.create_task(pool.run(ENDLESS, timeout_s=60))
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError):
        await pool.run("select 1")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await pool.close()


async def test_idle_worker_ends_after_a_while(span_store: SpanStore) -> None:
    pool = SqlPool(span_store.store, idle_s=0.05)
    assert await rows(pool, "select 1") == [[1]]
    (worker,) = pool.idle_workers
    await gone(worker.pid)
    assert await rows(pool, "select 1") == [[1]]
    await pool.close()


async def test_close_leaves_no_process(span_store: SpanStore) -> None:
    pool = SqlPool(span_store.store)
    await asyncio.gather(rows(pool, "select 1"), rows(pool, "select 2"))
    pids = [worker.pid for worker in pool.idle_workers]
    assert len(pids) == 2
    await pool.close()
    for pid in pids:
        await gone(pid)


async def test_worker_has_nothing_of_the_collectors(
    span_store: SpanStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its environment, its open files and its limits are what a query gets to see if every other layer fails."""
    monkeypatch.setenv("QUACKTRACE_READ_TOKEN", "secret")
    with socket.socket() as listener, (tmp_path / "private").open("w") as private:
        os.set_inheritable(listener.fileno(), True)
        os.set_inheritable(private.fileno(), True)
        pool = SqlPool(span_store.store)
        assert await rows(pool, "select 1") == [[1]]
        (worker,) = pool.idle_workers
        process = psutil.Process(worker.pid)
        assert "secret" not in str(process.environ())
        assert process.open_files() == []
        assert process.net_connections() == []
        assert process.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
        assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert process.rlimit(psutil.RLIMIT_AS)[1] < 3 << 30
        assert os.getsid(worker.pid) == worker.pid
        await pool.close()


async def test_idle_worker_is_small(pool: SqlPool) -> None:
    assert await rows(pool, "select service_name, count(*) from spans group by all") == []
    (worker,) = pool.idle_workers
    process = psutil.Process(worker.pid)
    await until(lambda: process.memory_info().rss < 100_000_000)


async def test_small_limits_are_kept(span_store: SpanStore) -> None:
    pool = SqlPool(span_store.store, limits=WorkerLimits(memory_limit_bytes=64 << 20, address_space_bytes=256 << 20))
    with pytest.raises(QueryTooLargeError):
        await pool.run("select count(*) from (select distinct md5(i::varchar) from range(5000000) t(i))", timeout_s=60)
    await pool.close()


async def test_outcomes_are_counted(span_store: SpanStore) -> None:
    metrics = Metrics()
    pool = SqlPool(span_store.store, metrics=metrics)
    assert await rows(pool, "select 1") == [[1]]
    with pytest.raises(QueryRefusedError):
        await pool.run("drop view spans")
    assert metrics.value("qt_sql_queries_total", outcome="ok") == 1
    assert metrics.value("qt_sql_queries_total", outcome="query_refused") == 1
    assert "qt_sql_idle_workers 1\n" in metrics.render()
    await pool.close()


async def test_over_long_query_never_reaches_a_worker(pool: SqlPool) -> None:
    with pytest.raises(QueryRefusedError):
        await pool.run("select " + "1," * 100_000 + "1")
    assert pool.idle_workers == []


def test_worker_cannot_write_even_where_the_engine_may(tmp_path: Path) -> None:
    """What would happen if the gate let a COPY through: the engine may write where it may read, the kernel refuses."""
    (tmp_path / "sealed.parquet").write_bytes(b"precious")
    program = textwrap.dedent("""
        import os, socket, subprocess, sys
        from quacktrace_collector.sql.landlock import forbid_writing
        if not forbid_writing():
            sys.exit(77)
        import duckdb
        connection = duckdb.connect()
        connection.execute(f"set allowed_directories = ['{sys.argv[1]}']")
        connection.execute("set enable_external_access = false")
        file = sys.argv[1] + "/sealed.parquet"
        attempts = [
            lambda: connection.execute(f"copy (select 1) to '{file}'"),
            lambda: connection.execute(f"copy (select 1) to '{file}.new'"),
            lambda: os.truncate(file, 0),
            lambda: open(file, "ab"),
            lambda: os.remove(file),
            lambda: subprocess.run(["/bin/true"]),
            lambda: socket.create_connection(("127.0.0.1", 9)),
        ]
        for number, attempt in enumerate(attempts):
            try:
                attempt()
            except (OSError, duckdb.Error) as error:
                if not isinstance(error, ConnectionRefusedError):
                    continue
            sys.exit(f"attempt {number} succeeded")
        print(open(file).read(), connection.execute("select 42").fetchone())
        sys.stdout.flush()
        os._exit(0)
    """)
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("this kernel has no Landlock")
    assert (done.returncode, done.stdout) == (0, "precious (42,)\n"), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["sealed.parquet"]
