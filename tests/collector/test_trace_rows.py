"""Rows of a few traces that are read without DuckDB are the rows that a scan finds."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from quacktrace_collector.decode import decode_logs, decode_spans
from quacktrace_collector.store import Store
from quacktrace_collector.store.sealed.attribute_rows import AttributeValue
from quacktrace_collector.store.sealed.parquet_files import ROW_GROUP_ROWS, in_row_groups
from quacktrace_collector.store.sealed.trace_places import keys_of, row_groups_with
from quacktrace_collector.store.views import PUBLIC_LOG_COLUMNS, PUBLIC_SPAN_COLUMNS, Kind

from .conftest import RECEIVED_AT_NS, LogRow, SpanRow, logs_request, spans_request, trace_hex

_ORDER = {"spans": "trace_id, span_id", "logs": "trace_id, span_id, body"}


def _span(trace: int, span: int) -> SpanRow:
    return SpanRow(
        trace=trace,
        span=span,
        parent=span - 1 if span > 1 else None,
        service=f"service {span % 3}",
        name=f"{trace}/{span % 4}",
        start_ms=trace * 7 + span,
        # Ends before it starts, now and then.
        duration_ms=-5 if span % 5 == 4 else span,
        status="ERROR" if span % 4 == 2 else "UNSET",
        attributes={"n": span, "db.system": "redis", **({"quacktrace.span.state": "open"} if span == 3 else {})},
        resource={"host.name": f'node "{trace % 2}"'},
        events=[("exception", trace * 7 + span, {"exception.message": f"é{span}"})] if span % 4 == 2 else (),
        links=[(trace + 1, span)] if span % 6 == 5 else (),
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Traces 1 to 9 whose spans arrive in three parts: two sealed, one hot."""
    store = Store(tmp_path)
    for part in range(3):
        spans = [_span(trace, span) for trace in range(1, 10) for span in range(1 + part * 4, 5 + part * 4)]
        logs = [LogRow(f"log {span.trace} {span.span}", trace=span.trace, span=span.span) for span in spans[::3]]
        store.append(
            decode_spans([spans_request(spans)], received_at_ns=RECEIVED_AT_NS + part * 1_000),
            decode_logs(
                [logs_request([*logs, LogRow(f"of no trace {part}")])], received_at_ns=RECEIVED_AT_NS + part * 1_000
            ),
        )
        if part < 2:
            store.seal_now()
            while store.unsealed_generations:
                pass
    return store


@pytest.mark.parametrize(("kind", "columns"), [("spans", PUBLIC_SPAN_COLUMNS), ("logs", PUBLIC_LOG_COLUMNS)])
@pytest.mark.parametrize("traces", [[4], [2, 7], [9, 9, 77], [77]])
def test_traces_are_read_as_a_scan_finds_them(
    store: Store, kind: Kind, columns: tuple[str, ...], traces: list[int]
) -> None:
    ids = [trace_hex(trace) for trace in traces]
    names = ", ".join(f'"{name}"' for name in columns)
    scanned = store.query(
        f"select {names} from {kind} where list_contains($ids, trace_id) order by {_ORDER[kind]}", {"ids": ids}
    )
    read = store.rows_of_traces(kind, ids, columns)
    keys = [(name.strip(), "ascending") for name in _ORDER[kind].split(",")]
    assert read.sort_by(keys).to_pylist() == scanned.to_pylist()
    asked = store.query(f"select {names} from {kind} order by {_ORDER[kind]}", trace_ids=ids)
    assert asked.to_pylist() == scanned.to_pylist()
    store.close()


def test_open_spans_are_told_without_their_attributes_being_asked_for(store: Store) -> None:
    rows = store.rows_of_traces("spans", [trace_hex(3)], ["span_id", "is_open"])
    assert pc.sum(rows["is_open"]).as_py() == 1
    for segment in _segments(store)[1:]:
        assert b"quacktrace.no_open_spans" in pq.read_metadata(segment / "spans.parquet").metadata
    store.close()


def test_a_segment_without_places_is_scanned(store: Store) -> None:
    expected = store.rows_of_traces("spans", [trace_hex(5)], ["span_id", "is_open"]).sort_by("span_id")
    for segment in _segments(store):
        (segment / "traces.groups.npy").unlink()
    assert row_groups_with(_segments(store)[0], "spans", keys_of([trace_hex(5)])) is None
    assert store.rows_of_traces("spans", [trace_hex(5)], ["span_id", "is_open"]).sort_by("span_id") == expected
    store.close()


@pytest.mark.parametrize(
    ("key", "value"), [("n", "7"), ("db.system", "redis"), ("n", "redis"), ("none", "7"), ("n", "")]
)
def test_an_attribute_finds_the_spans_that_a_scan_finds(store: Store, key: str, value: str) -> None:
    query = "select trace_id, span_id, resource from spans where attributes[$key] = $value order by trace_id, span_id"
    parameters = {"key": key, "value": value}
    scanned = store.query(query, parameters)
    assert scanned.num_rows == {"n7": 9, "db.systemredis": 108}.get(key + value, 0)
    assert store.query(query, parameters, attribute=AttributeValue(key, value)).to_pylist() == scanned.to_pylist()
    store.close()


def test_row_groups_are_full_however_the_rows_come() -> None:
    parts = [pa.table({"n": list(range(start, start + 7_001))}) for start in range(0, 35_005, 7_001)]
    groups = list(in_row_groups(parts))
    assert [group.num_rows for group in groups] == [ROW_GROUP_ROWS] * 3 + [5_005]
    assert pa.concat_tables(groups)["n"].to_pylist() == list(range(35_005))


def _segments(store: Store) -> list[Path]:
    with store.snapshot() as snapshot:
        return [segment.path for segment in snapshot.segments]
