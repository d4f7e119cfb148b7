"""The store keeps what it acknowledged, once, through sealing, restarts and kill -9."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from quacktrace_collector.decode import Decoded, decode_logs, decode_spans
from quacktrace_collector.errors import DataDirInUseError
from quacktrace_collector.schema import SPANS
from quacktrace_collector.store import Store
from quacktrace_collector.store.hot.feed import read_feed
from quacktrace_collector.store.sealed.merge import RUN_LENGTH, merge
from quacktrace_collector.store.sealed.parquet_files import ROW_GROUP_ROWS
from quacktrace_collector.store.sealed.retention import expired
from quacktrace_collector.store.views import PUBLIC_LOG_COLUMNS, PUBLIC_SPAN_COLUMNS
from quacktrace_collector.time_range import TimeRange

from .conftest import BASE_NS, LogRow, SpanRow, SpanStore, logs_request, spans_request

COUNT = "select count(*) as n, count(distinct (trace_id, span_id)) as ids from spans"


def counted(store: Store) -> tuple[int, int]:
    row = store.query(COUNT).to_pylist()[0]
    return row["n"], row["ids"]


def spans_of_trace(trace: int, count: int = 10) -> list[SpanRow]:
    return [
        SpanRow(trace=trace, span=trace * 1000 + i, parent=None if i == 0 else trace * 1000)
        for i in range(1, count + 1)
    ]


def decoded(*rows: SpanRow) -> Decoded:
    return decode_spans([spans_request(rows)], received_at_ns=BASE_NS)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def seal_everything(store: Store) -> None:
    store.seal_now()
    wait_until(lambda: store.unsealed_generations == 0)


def test_spans_read_back_the_same_from_hot_and_from_sealed(span_store: SpanStore) -> None:
    rich = SpanRow(
        trace=1,
        span=2,
        parent=3,
        kind="CLIENT",
        status="ERROR",
        status_message="no",
        attributes={"http.route": "/x", "n": 7, "f": 0.5, "ok": True, "list": [1, "a"], "raw": b"\x00\xff"},
        resource={"service.version": "1.4", "host.name": "h'1"},
        events=[("exception", 3, {"exception.type": "E"})],
        links=[(9, 8)],
    )
    span_store.add(rich, SpanRow(trace=1, span=3), SpanRow(trace=1, span=4, start_ms=5, duration_ms=-3))
    query = f"select {', '.join(PUBLIC_SPAN_COLUMNS)} from spans order by span_id"
    hot = span_store.store.query(query)
    seal_everything(span_store.store)
    sealed = span_store.store.query(query)
    assert sealed.equals(hot.cast(sealed.schema))
    assert hot["http_route"].to_pylist() == ["/x", None, None]
    assert hot["duration_ns"].to_pylist()[2] == 0
    assert dict(hot["resource"].to_pylist()[0])["host.name"] == "h'1"


def test_logs_read_back_the_same_from_hot_and_from_sealed(span_store: SpanStore) -> None:
    span_store.add_logs(LogRow("late", time_ms=5, trace=1, span=2, attributes={"k": 1}), LogRow("early"))
    query = f"select {', '.join(PUBLIC_LOG_COLUMNS)} from logs order by time"
    hot = span_store.store.query(query)
    seal_everything(span_store.store)
    sealed = span_store.store.query(query)
    assert sealed.equals(hot.cast(sealed.schema))
    assert hot["body"].to_pylist() == ["early", "late"]


def test_a_span_that_arrives_again_stays_one_row(span_store: SpanStore) -> None:
    rows = spans_of_trace(1)
    first = span_store.store.append(decoded(*rows, rows[0]), None)
    again = span_store.store.append(decoded(*rows), None)
    assert (first.stored_spans, first.duplicate_spans) == (10, 1)
    assert (again.stored_spans, again.duplicate_spans) == (0, 10)
    seal_everything(span_store.store)
    after_sealing = span_store.store.append(decoded(*rows, *spans_of_trace(2)), None)
    assert (after_sealing.stored_spans, after_sealing.duplicate_spans) == (10, 10)
    assert counted(span_store.store) == (20, 20)


def test_a_span_that_arrives_again_after_a_restart_stays_one_row(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(decoded(*spans_of_trace(1)), None)
    seal_everything(store)
    store.append(decoded(*spans_of_trace(2)), None)
    store.close()
    store = Store(tmp_path)
    result = store.append(decoded(*spans_of_trace(1), *spans_of_trace(2), *spans_of_trace(3)), None)
    assert (result.stored_spans, result.duplicate_spans) == (10, 20)
    assert counted(store) == (30, 30)
    store.close()


def test_a_resend_of_everything_five_times_after_restarts_stays_one_row_each(tmp_path: Path) -> None:
    """What an earlier process sealed is known by its files alone."""
    for round_ in range(5):
        store = Store(tmp_path)
        results = [store.append(decoded(*spans_of_trace(trace)), None) for trace in range(1, 13)]
        assert sum(result.stored_spans for result in results) == (120 if round_ == 0 else 0)
        assert sum(result.conflicting_spans for result in results) == 0
        assert counted(store) == (120, 120)
        if round_ % 2 == 0:
            seal_everything(store)
        store.close()


def test_a_span_of_the_same_ids_with_other_content_is_counted_and_the_first_stays(span_store: SpanStore) -> None:
    first, other = SpanRow(trace=1, span=1, name="first"), SpanRow(trace=1, span=1, name="other")
    span_store.add(first, SpanRow(trace=1, span=2, attributes={"a": 1, "b": "x"}))
    for _ in range(2):
        result = span_store.store.append(decoded(other, SpanRow(trace=1, span=2, attributes={"b": "x", "a": 1})), None)
        assert (result.stored_spans, result.duplicate_spans, result.conflicting_spans) == (0, 2, 1)
        seal_everything(span_store.store)
    assert span_store.store.query("select name from spans where span_id like '%1'").to_pylist() == [{"name": "first"}]


def test_many_generations_seal_while_spans_arrive(tmp_path: Path) -> None:
    store = Store(tmp_path, generation_spans=50)
    for trace in range(1, 61):
        while store.unsealed_generations >= 4:
            time.sleep(0.005)
        store.append(decoded(*spans_of_trace(trace)), None)
        assert counted(store) == (trace * 10, trace * 10)
    seal_everything(store)
    assert counted(store) == (600, 600)
    assert store.counts() == (600, 0)
    store.close()
    assert len(list((tmp_path / "hot").glob("*.duckdb"))) == 1, "the generation being written"


def test_a_pinned_snapshot_is_readable_after_its_generation_was_sealed(span_store: SpanStore) -> None:
    span_store.add(*spans_of_trace(1))
    with span_store.store.snapshot() as snapshot:
        seal_everything(span_store.store)
        batches = [batch for feed in snapshot.feeds for batch in read_feed(feed.spans)]
        assert sum(batch.num_rows for batch in batches) == 10
        assert batches[0].schema == SPANS
    assert counted(span_store.store) == (10, 10)


def test_the_feed_holds_each_commit_up_to_its_length(span_store: SpanStore) -> None:
    lengths = []
    for trace in (1, 2, 3):
        span_store.add(*spans_of_trace(trace))
        with span_store.store.snapshot() as snapshot:
            lengths.append(snapshot.feeds[-1].spans)
    assert [sum(batch.num_rows for batch in read_feed(file)) for file in lengths] == [10, 20, 30]


def test_a_second_process_on_the_folder_is_told_which_one_has_it(span_store: SpanStore) -> None:
    with pytest.raises(DataDirInUseError, match=r"is in use by process \d+"):
        Store(span_store.store.data_dir)


def test_an_interrupted_sealing_leaves_the_generation_valid(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(decoded(*spans_of_trace(1)), None)
    store.close()
    torn = tmp_path / "sealed" / ".tmp-000000000001"
    torn.mkdir()
    (torn / "spans.parquet").write_bytes(b"PAR1 torn")
    store = Store(tmp_path)
    assert counted(store) == (10, 10)
    assert not torn.exists()
    store.close()


def test_a_sealed_generation_whose_files_are_left_counts_once(tmp_path: Path) -> None:
    """The process died between the rename and the unlinking."""
    store = Store(tmp_path)
    store.append(decoded(*spans_of_trace(1)), None)
    with store.snapshot():
        seal_everything(store)
        kept = {
            path: path.read_bytes() for path in (tmp_path / "hot").iterdir() if path.name.startswith("000000000001")
        }
    store.close()
    for path, content in kept.items():
        path.write_bytes(content)
    store = Store(tmp_path)
    assert counted(store) == (10, 10)
    assert not any((tmp_path / "hot").glob("000000000001.*"))
    store.close()


def test_a_generation_whose_creation_was_cut_short_is_empty(tmp_path: Path) -> None:
    Store(tmp_path).close()
    (tmp_path / "hot" / "000000000009.duckdb").write_bytes(b"")
    (tmp_path / "hot" / "000000000008.duckdb").write_bytes(b"torn header")
    store = Store(tmp_path)
    assert counted(store) == (0, 0)
    assert store.quarantined == []
    store.close()


def test_a_damaged_generation_is_set_aside_and_the_rest_comes_up(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(decoded(*spans_of_trace(1)), None)
    with store.snapshot():
        store.seal_now()
        store.append(decoded(*spans_of_trace(2)), None)
    seal_everything(store)
    store.append(decoded(*spans_of_trace(3)), None)
    store.close()
    log = max((tmp_path / "hot").glob("*.wal"))
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0xFF
    log.write_bytes(content)
    for feed in (tmp_path / "hot").glob("*.arrows"):
        feed.write_bytes(b"damaged too")
    store = Store(tmp_path)
    assert counted(store) == (20, 20)
    assert len(store.quarantined) == 1
    assert [path.name for path in (tmp_path / "quarantine").iterdir() if path.suffix == ".wal"] == [log.name]
    store.append(decoded(*spans_of_trace(4)), None)
    assert counted(store) == (30, 30)
    store.close()


def test_files_without_the_time_range_are_not_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(decoded(SpanRow(trace=1, span=1)), None)
    seal_everything(store)
    store.append(decoded(SpanRow(trace=2, span=2, start_ms=3_600_000)), None)
    seal_everything(store)
    early = TimeRange(BASE_NS, BASE_NS + 10**9)
    with store.snapshot() as snapshot:
        assert len(snapshot.files("spans", early)) == 1
        assert len(snapshot.files("spans", None)) == 2
    assert store.data_range() == TimeRange(BASE_NS, BASE_NS + 3600 * 10**9 + 1)
    store.close()


def test_sealed_files_carry_a_bloom_filter_on_the_trace_id(span_store: SpanStore) -> None:
    span_store.add(SpanRow(trace=1, span=1))
    seal_everything(span_store.store)
    with span_store.store.snapshot() as snapshot:
        path = snapshot.segments[0].spans_path
    offsets = span_store.store.query(
        "select bloom_filter_offset from parquet_metadata($path) where path_in_schema = 'trace_id'", {"path": str(path)}
    )
    assert offsets["bloom_filter_offset"].to_pylist() != [None]


WRITER = """
    import sys
    from pathlib import Path
    from quacktrace_collector.decode import decode_spans
    from quacktrace_collector.store import Store
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    store = Store(Path(sys.argv[1]), generation_spans=400)
    for trace in range(int(sys.argv[2]), 1_000_000):
        request = ExportTraceServiceRequest()
        scope = request.resource_spans.add().scope_spans.add()
        for span in range(1, 21):
            scope.spans.add(trace_id=trace.to_bytes(16, "big"), span_id=(trace * 100 + span).to_bytes(8, "big"),
                            name="work", start_time_unix_nano=10**18 + trace, end_time_unix_nano=10**18 + trace + 5)
        store.append(decode_spans([request.SerializeToString()], received_at_ns=10**18), None)
        print(trace, flush=True)
"""


def test_every_acknowledged_span_is_there_once_after_kill_9(tmp_path: Path) -> None:
    """A writer that seals every 400 spans is killed again and again; what it said it had stored must be there."""
    acknowledged = 0
    for round_ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path), str(acknowledged + 1)],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout is not None
            for line in writer.stdout:
                acknowledged = int(line)
                if acknowledged % 37 == 20 + round_:
                    break
            writer.kill()
            acknowledged = max([acknowledged, *(int(line) for line in writer.stdout if line.endswith("\n"))])
        store = Store(tmp_path)
        stored, distinct = counted(store)
        partial = store.query("select trace_id from spans group by all having count(*) <> 20").num_rows
        store.close()
        assert stored == distinct
        assert partial == 0, "no request is half stored"
        assert stored >= acknowledged * 20
        # The one commit in flight may have landed before its acknowledgement was printed.
        assert stored - acknowledged * 20 in (0, 20)
        acknowledged = stored // 20


def test_logs_and_spans_of_one_append_are_both_stored(span_store: SpanStore) -> None:
    logs = decode_logs([logs_request([LogRow("hello")])], received_at_ns=BASE_NS)
    result = span_store.store.append(decoded(*spans_of_trace(1)), logs)
    assert (result.stored_spans, result.stored_logs) == (10, 1)
    body: list[dict[str, Any]] = span_store.store.query("select body from logs").to_pylist()
    assert body == [{"body": "hello"}]


def test_small_segments_are_merged_and_read_back_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for trace in range(1, RUN_LENGTH + 4):
        store.append(
            decoded(*spans_of_trace(trace)), decode_logs([logs_request([LogRow("x")])], received_at_ns=BASE_NS)
        )
        seal_everything(store)
    wait_until(lambda: len(list((tmp_path / "sealed").iterdir())) == 4)
    assert counted(store) == ((RUN_LENGTH + 3) * 10,) * 2
    assert store.query("select count(*) as n from logs").to_pylist() == [{"n": RUN_LENGTH + 3}]
    store.close()
    store = Store(tmp_path)
    assert counted(store) == ((RUN_LENGTH + 3) * 10,) * 2
    store.close()


def test_large_row_groups_are_merged_as_they_are_and_read_back_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for trace in (1, 2):
        rows = [
            SpanRow(trace=trace, span=span, name=f"n{span % 300}", attributes={"n": span % 7, f"k{span % 9}": "v"})
            for span in range(1, ROW_GROUP_ROWS // 2 + 2)
        ]
        store.append(decoded(*rows), None)
        seal_everything(store)
    everything = f"select {', '.join(PUBLIC_SPAN_COLUMNS)} from spans order by trace_id, span_id"
    expected = store.query(everything)
    with store.snapshot() as snapshot:
        merged = merge(snapshot.segments, tmp_path / "sealed")
    store.close()
    assert pq.read_metadata(merged.spans_path).num_row_groups == 2
    store = Store(tmp_path)
    assert store.query(everything).equals(expected)
    store.close()


def test_segments_that_a_merged_one_covers_are_void(tmp_path: Path) -> None:
    """The process died between the rename of the merged segment and the deletion of its parts."""
    store = Store(tmp_path)
    for trace in (1, 2):
        store.append(decoded(*spans_of_trace(trace)), None)
        seal_everything(store)
    with store.snapshot() as snapshot:
        merge(snapshot.segments, tmp_path / "sealed")
    store.close()
    store = Store(tmp_path)
    assert counted(store) == (20, 20)
    assert len(list((tmp_path / "sealed").iterdir())) == 1
    store.close()


def test_the_oldest_segments_go_by_age_of_arrival_and_by_size(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for trace in (1, 2, 3):
        store.append(decoded(*spans_of_trace(trace)), None)
        seal_everything(store)
    with store.snapshot() as snapshot:
        first, second, third = snapshot.segments
    day_ns = 86_400 * 10**9
    now_ns = BASE_NS + 2 * day_ns

    def doomed(retention_ns: int | None, max_size_bytes: int | None) -> list[object]:
        return list(expired(snapshot.segments, now_ns=now_ns, retention_ns=retention_ns, max_size_bytes=max_size_bytes))

    assert doomed(3 * day_ns, None) == []
    assert doomed(day_ns, None) == [first, second, third]
    assert doomed(None, third.size_bytes + second.size_bytes) == [first]
    assert doomed(None, 10 * third.size_bytes) == []
    store.close()
    store = Store(tmp_path, max_size_bytes=third.size_bytes)
    wait_until(lambda: store.counts() == (10, 0))
    assert counted(store) == (10, 10)
    store.close()
