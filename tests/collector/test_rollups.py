"""Rollups of any parts add up to what the SQL views compute from all spans together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quacktrace_collector.decode import Decoded, decode_spans
from quacktrace_collector.sql.library import View, with_views
from quacktrace_collector.store import Store
from quacktrace_collector.store.hot.generation import origins_table
from quacktrace_collector.store.rollups.cache import MINUTE_NS, WHOLE
from quacktrace_collector.store.rollups.fold import ORIGIN_COLUMNS, SPAN_COLUMNS, Fold
from quacktrace_collector.store.rollups.histogram import LOWEST, bucket_of, dense, middle_ns, quantiles_ns
from quacktrace_collector.store.rollups.tables import Rollup, empty_rollup, merge_edges, merge_red, merge_rollups
from quacktrace_collector.store.rollups.traces import merge_traces
from quacktrace_collector.store.sealed.trace_places import keys_of, row_groups_with
from quacktrace_collector.store.views import hot_relation
from quacktrace_collector.time_range import TimeRange

from .conftest import BASE_NS, SpanRow, spans_request, trace_hex

ALWAYS = TimeRange(-(2**62), 2**62)

RED = """
    select minute, service_name, {name} as name, kind, is_entry, calls, errors, duration_sum_ns::hugeint,
        list_sort(map_entries(durations))::varchar
    from red order by all"""
EDGES = """
    select minute, client_service, server_service, type, calls, errors, list_sort(map_entries(durations))::varchar
    from edges order by all"""
TRACES = """
    select trace_id, start_time, end_time, root_span_id, root_service_name, root_name, root_status_code,
        root_duration_ns, span_count, error_count, list_sort(map_entries(services))::varchar, is_complete
    from traces order by all"""
# The trace index has '' and leftovers where there is no root.
INDEX = """
    traces as (
        select * replace (nullif(root_span_id, '') as root_span_id,
            case when root_span_id <> '' then root_service_name end as root_service_name,
            case when root_span_id <> '' then root_name end as root_name,
            case when root_span_id <> '' then root_status_code end as root_status_code,
            case when root_span_id <> '' then root_duration_ns end as root_duration_ns),
            missing_parents = 0 as is_complete
        from indexed)"""

ATTRIBUTES: Sequence[dict[str, object]] = (
    {},
    {"db.system": "sqlite"},
    {"db.system": "pg", "server.address": "db", "server.port": 80, "db.namespace": "orders"},
    {"db.system": "pg", "server.address": "db", "server.port": 0},
    {"messaging.system": "kafka"},
    {"messaging.system": "kafka", "messaging.destination.name": "mails"},
    {"messaging.system": "kafka", "messaging.destination.name": "mails", "server.address": "broker"},
    {"peer.service": "b"},
    {"rpc.system": "grpc"},
    {"server.address": "api.example.com", "server.port": 8443},
)
TRACES_AND_SPANS = st.tuples(st.integers(1, 3), st.integers(1, 9))


@st.composite
def span_rows(draw: st.DrawFn, key: tuple[int, int]) -> SpanRow:
    """A span whose parent may be any span of its trace, itself, a descendant or one that is nowhere."""
    return SpanRow(
        trace=key[0],
        span=key[1],
        parent=draw(st.none() | st.integers(1, 10)),
        service=draw(st.sampled_from("abc")),
        name=draw(st.sampled_from(["GET /", "work"])),
        kind=draw(st.sampled_from(["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER", "UNSPECIFIED"])),
        start_ms=draw(st.sampled_from([0, 0.5, 59_999, 60_000, 3_600_000])),
        duration_ms=draw(st.sampled_from([-5, 0, 0.000001, 1, 1.05, 250])),
        status=draw(st.sampled_from(["UNSET", "OK", "ERROR"])),
        attributes=draw(st.sampled_from(ATTRIBUTES)),
        links=draw(st.lists(TRACES_AND_SPANS, max_size=2)),
    )


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[SpanRow]]:
    """Distinct spans, in parts that have nothing to do with time or trace."""
    keys = draw(st.lists(TRACES_AND_SPANS, min_size=1, max_size=20, unique=True))
    parts: list[list[SpanRow]] = [[] for _ in range(draw(st.integers(1, 4)))]
    for key in keys:
        parts[draw(st.integers(0, len(parts) - 1))].append(draw(span_rows(key)))
    return [part for part in parts if part]


def decoded(rows: Sequence[SpanRow]) -> Decoded:
    return decode_spans([spans_request(rows)], received_at_ns=BASE_NS)


def flat(spans: Decoded) -> pa.Table:
    """What a fold reads: spans with their origin's columns."""
    columns = {name: spans.table[name] for name in SPAN_COLUMNS}
    origins = {row["origin_id"]: row for row in origins_table(list(spans.origins.values())).to_pylist()}
    for name in ORIGIN_COLUMNS:
        columns[name] = pa.chunked_array(
            [pa.array([origins[origin_id][name] for origin_id in spans.table["origin_id"].to_pylist()], pa.string())]
        )
    return pa.table(columns)


def recomputed(spans: Decoded) -> dict[str, list[Any]]:
    """What the SQL views say."""
    with duckdb.connect() as connection:
        connection.register("_spans", spans.table)
        connection.register("_origins", origins_table(list(spans.origins.values())))
        views = with_views([View.RED, View.EDGES, View.TRACES]).removeprefix("with ")
        source = f"with spans as ({hot_relation('spans', '_spans', '_origins')}), {views}"
        queries = {"red": RED.format(name="operation"), "edges": EDGES, "traces": TRACES}
        return {name: connection.sql(f"{source} {query}").fetchall() for name, query in queries.items()}


def rows_of(rollup: Rollup) -> dict[str, list[Any]]:
    with duckdb.connect() as connection:
        connection.register("red", rollup.red)
        connection.register("edges", rollup.edges)
        connection.register("indexed", rollup.traces)
        queries = {"red": RED.format(name="name"), "edges": EDGES, "traces": f"with {INDEX} {TRACES}"}
        return {name: connection.sql(query).fetchall() for name, query in queries.items()}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(arrivals(), st.booleans())
def test_parts_add_up_to_what_the_views_compute(parts: list[list[SpanRow]], merge_first: bool) -> None:
    fold = Fold(most_bytes=1 << 30)
    rollups = [fold.add(flat(decoded(part)))[0] for part in parts]
    if merge_first:
        rollups = [merge_rollups(rollups[:2]), *rollups[2:]]
    everything = decoded([row for part in parts for row in part])
    assert rows_of(merge_rollups(rollups)) == recomputed(everything)


def stored(store: Store) -> dict[str, list[Any]]:
    """The rollups of a store, in which nothing cancels out across the tables that it answers."""
    return rows_of(
        Rollup(
            red=merge_red(store.rollup_rows("red", ALWAYS, grain_ns=MINUTE_NS)),
            edges=merge_edges(store.rollup_rows("edges", ALWAYS, grain_ns=MINUTE_NS)),
            instances=empty_rollup().instances,
            traces=merge_traces(store.trace_rows(ALWAYS)),
        )
    )


def in_store(store: Store) -> dict[str, list[Any]]:
    views = with_views([View.RED, View.EDGES, View.TRACES]).removeprefix("with ")
    queries = {"red": RED.format(name="operation"), "edges": EDGES, "traces": TRACES}
    with duckdb.connect() as connection:
        connection.register("everything", store.query("select * from spans"))
        source = f"with spans as (from everything), {views}"
        return {name: connection.sql(f"{source} {query}").fetchall() for name, query in queries.items()}


def seal_everything(store: Store) -> None:
    store.seal_now()
    for _ in range(6000):
        if not store.unsealed_generations:
            return
        threading.Event().wait(0.01)
    pytest.fail("sealing did not finish within a minute")


def random_rows(seed: int, count: int) -> list[SpanRow]:
    """Spans of a few large traces in a random order, some of them twice."""
    draw = np.random.default_rng(seed)
    rows = [
        SpanRow(
            trace=int(draw.integers(1, 6)),
            span=span,
            parent=int(draw.integers(1, count + 20)) if draw.random() < 0.9 else None,
            service=str(draw.choice(list("abc"))),
            kind=str(draw.choice(["INTERNAL", "SERVER", "CLIENT", "CONSUMER"])),
            start_ms=float(draw.integers(0, 600_000)),
            duration_ms=float(draw.integers(0, 1000)),
            status=str(draw.choice(["UNSET", "ERROR"])),
            attributes=ATTRIBUTES[int(draw.integers(len(ATTRIBUTES)))],
            links=[(int(draw.integers(1, 6)), int(draw.integers(1, count)))] if draw.random() < 0.2 else (),
        )
        for span in range(1, count)
    ]
    rows += [rows[int(index)] for index in draw.integers(0, len(rows), count // 10)]
    draw.shuffle(rows)  # type: ignore[arg-type]  # a list of anything is shuffled in place
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_a_store_that_is_asked_sealed_restarted_and_merged_keeps_its_sums(tmp_path: Path, seed: int) -> None:
    rows = random_rows(seed, 300)
    store = Store(tmp_path)
    for index in range(0, len(rows), 15):
        store.append(decoded(rows[index : index + 15]), None)
        if index % 45 == 0:
            assert stored(store) == in_store(store)
        if index % 60 == 0:
            seal_everything(store)
        if index % 105 == 0:
            store.close()
            store = Store(tmp_path)
    assert stored(store) == in_store(store)
    seal_everything(store)
    assert stored(store) == in_store(store)
    store.close()


def test_a_segment_without_rollups_is_summed_from_its_spans(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(decoded(random_rows(1, 40)), None)
    seal_everything(store)
    expected = in_store(store)
    store.close()
    for path in (tmp_path / "sealed").glob("*/*"):
        if path.name in ("red.parquet", "edges.parquet", "traces.parquet", "traces.keys.npy", "traces.groups.npy"):
            path.unlink()
    store = Store(tmp_path)
    assert stored(store) == expected
    found = store.query(
        "select count(*) as n from spans where trace_id = $id", {"id": trace_hex(1)}, trace_ids=[trace_hex(1)]
    )
    assert found["n"].to_pylist() != [0]
    store.close()


def test_only_segments_that_hold_a_trace_are_read_for_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for trace in (1, 2):
        store.append(decoded([SpanRow(trace=trace, span=1)]), None)
        seal_everything(store)
    with store.snapshot() as snapshot:
        first, second = snapshot.segments
        assert [row_groups_with(one.path, "spans", keys_of([trace_hex(1)])) for one in (first, second)] == [[0], []]
        assert [row_groups_with(one.path, "spans", keys_of([trace_hex(2)])) for one in (first, second)] == [[], [0]]
        assert row_groups_with(first.path, "spans", keys_of([trace_hex(7), trace_hex(1)])) == [0]
    store.close()


def test_a_whole_segment_and_its_minutes_give_the_same_sums(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(decoded(random_rows(2, 200)), None)
    seal_everything(store)
    for name in ("red", "edges"):
        whole, by_minute = (store.rollup_rows(name, ALWAYS, grain_ns=grain_ns) for grain_ns in (WHOLE, MINUTE_NS))
        assert sum(table.num_rows for table in whole) < sum(table.num_rows for table in by_minute)
        for column in ("calls", "errors"):
            assert sum(map(sum_of(column), whole)) == sum(map(sum_of(column), by_minute))
    store.close()


@pytest.mark.parametrize("is_warm", [False, True])
def test_any_grain_gives_the_sums_of_its_minutes(tmp_path: Path, is_warm: bool) -> None:
    store = Store(tmp_path)
    for part in range(3):
        store.append(decoded(random_rows(20 + part, 150)), None)
        if part < 2:
            seal_everything(store)
    if is_warm:
        store.warm(threading.Event())
    times = [int(time) for table in store.rollup_rows("red", ALWAYS, grain_ns=MINUTE_NS) for time in minutes(table)]
    middle = sorted(times)[len(times) // 2]
    for first, last in ((min(times), max(times)), (middle, max(times)), (min(times) + MINUTE_NS, middle)):
        window = TimeRange(first, last + MINUTE_NS)
        for name in ("red", "entries", "edges"):
            by_minute = store.rollup_rows(name, window, grain_ns=MINUTE_NS)
            frame = store.rollup_frame(name, window)
            for column in ("calls", "errors"):
                expected = sum(map(sum_of(column), by_minute))
                assert int(frame.numbers[column].sum()) == expected
            assert frame.entries is not None
            assert int(frame.entries.count.sum()) == int(frame.numbers["calls"].sum())
            for grain in (2, 5, 60):
                rows = store.rollup_rows(name, window, grain_ns=grain * MINUTE_NS)
                buckets: dict[int, int] = {}
                for tables, sign in ((by_minute, 1), (rows, -1)):
                    for table in tables:
                        for time, calls in zip(minutes(table), table["calls"].to_pylist(), strict=True):
                            bucket = int(time) // (grain * MINUTE_NS)
                            buckets[bucket] = buckets.get(bucket, 0) + sign * calls
                assert not any(buckets.values())
    store.close()


def minutes(table: pa.Table) -> Any:
    return table["minute"].cast(pa.int64()).to_numpy()


def sum_of(column: str) -> Any:
    return lambda table: sum(table[column].to_pylist())


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=200), st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_percentiles_are_within_the_stated_error(durations: list[int], quantile: float) -> None:
    values = np.array(durations)
    group = np.zeros(len(values), np.int64)
    counts = dense(group, bucket_of(values), np.ones(len(values), np.int64), 1)
    estimate = float(quantiles_ns(counts, [quantile])[0, 0])
    exact = float(np.quantile(np.maximum(values, 1), quantile))
    assert abs(estimate - exact) <= 0.044 * exact


def test_an_empty_group_has_no_percentile() -> None:
    counts = dense(np.array([1]), bucket_of(np.array([5])), np.array([1]), 2)
    assert np.isnan(quantiles_ns(counts, [0.5])[0, 0])
    assert quantiles_ns(counts, [0.5])[1, 0] == pytest.approx(5, rel=0.044)


def test_every_duration_has_a_bucket_that_holds_it() -> None:
    durations = np.array([0, 1, 2, 3, 1000, 2**40, 2**62, 2**63 - 1])
    buckets = bucket_of(durations)
    assert buckets.min() == LOWEST
    assert np.abs(middle_ns(buckets)[1:] / durations[1:] - 1).max() <= 0.044 + 1e-9
