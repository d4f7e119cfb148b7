"""A data folder of an earlier layout is brought up to date at the start; one of a later layout is refused."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from quacktrace_collector.decode import Decoded, decode_logs, decode_spans
from quacktrace_collector.errors import StartupError
from quacktrace_collector.schema import LOGS, ORIGINS, SPANS
from quacktrace_collector.store import Store
from quacktrace_collector.store.migration import VERSION
from quacktrace_collector.time_range import TimeRange

from .conftest import BASE_NS, LogRow, SpanRow, logs_request, spans_request

SPANS_QUERY = "select trace_id, span_id, name, attributes, resource, end_time from spans order by all"


def spans(trace: int) -> Decoded:
    rows = [SpanRow(trace=trace, span=trace * 10 + i, attributes={"n": i}) for i in range(1, 4)]
    return decode_spans([spans_request(rows)], received_at_ns=BASE_NS)


def old_generation(path: Path, trace: int) -> None:
    """A generation as version 1 wrote it: tables of rows, all of it in the log."""
    decoded, logs = spans(trace), decode_logs([logs_request([LogRow("hot")])], received_at_ns=BASE_NS)
    origins = [(one.origin_id, *one.values) for one in {**decoded.origins, **logs.origins}.values()]
    columns = [pa.array(column, type_) for column, type_ in zip(zip(*origins, strict=True), ORIGINS.types, strict=True)]
    connection = duckdb.connect()
    connection.execute("set checkpoint_threshold = '1TB'")
    connection.execute("pragma disable_checkpoint_on_shutdown")
    connection.execute(f"attach '{path}' as old (storage_version 'v1.5.0')")
    for name, table in (
        ("spans", decoded.table.cast(SPANS)),
        ("logs", logs.table.cast(LOGS)),
        ("origins", pa.Table.from_arrays(columns, schema=ORIGINS)),
    ):
        connection.register("rows", table)
        connection.execute(f"create table old.{name} as from rows")
        connection.unregister("rows")
    connection.execute("detach old")
    connection.close()


def make_version_1(data_dir: Path) -> None:
    (data_dir / "version").unlink()
    for path in (data_dir / "sealed").glob("*/segment.json"):
        metadata = json.loads(path.read_text())
        del metadata["files"], metadata["crc32"]
        path.write_text(json.dumps(metadata))
    old_generation(data_dir / "hot" / "000000000007.duckdb", 2)


def test_a_folder_of_version_1_reads_the_same_after_the_start(tmp_path: Path) -> None:
    expected = Store(tmp_path / "expected")
    expected.append(spans(1), None)
    expected.append(spans(2), None)
    store = Store(tmp_path / "old")
    store.append(spans(1), None)
    store.seal_now()
    while store.unsealed_generations:
        store.query("select 1 from spans")
    store.close()
    make_version_1(tmp_path / "old")
    for _ in range(2):
        store = Store(tmp_path / "old")
        assert store.query(SPANS_QUERY).equals(expected.query(SPANS_QUERY))
        assert store.query("select body from logs").to_pylist() == [{"body": "hot"}]
        assert sum(sum(table["calls"].to_pylist()) for table in store.rollup_rows("red", TimeRange(0, 2**62))) == 6
        assert store.quarantined == []
        assert store.append(spans(2), None).duplicate_spans == 3
        store.close()
    assert (tmp_path / "old" / "version").read_text() == f"{VERSION}\n"
    documents = [json.loads(path.read_text()) for path in (tmp_path / "old" / "sealed").glob("*/segment.json")]
    assert all("spans.parquet" in document["files"] for document in documents)
    expected.close()


def test_a_folder_of_a_newer_version_is_refused_in_one_line(tmp_path: Path) -> None:
    Store(tmp_path).close()
    (tmp_path / "version").write_text("99\n")
    with pytest.raises(StartupError, match=f"has layout version 99, this quacktrace knows versions up to {VERSION}"):
        Store(tmp_path)
    (tmp_path / "version").write_text(f"{VERSION}\n")
    Store(tmp_path).close()
