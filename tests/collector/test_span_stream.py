"""Exports of a range: what comes out goes back in as the same spans, and any tool can read it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace_collector.query.span_stream import LINE_SPANS, Wanted, stream_spans
from quacktrace_collector.query.timestamps import EARLIEST_NS, LATEST_NS
from quacktrace_collector.receive.otlp_json import parse_json
from quacktrace_collector.store.views import PUBLIC_SPAN_COLUMNS
from quacktrace_collector.time_range import TimeRange

EVERYTHING = Wanted(TimeRange(EARLIEST_NS, LATEST_NS))


def exported(span_store: Any, wanted: Wanted = EVERYTHING) -> list[ExportTraceServiceRequest]:
    with span_store.store.snapshot() as snapshot:
        content = b"".join(stream_spans(snapshot, wanted, "otlp-json"))
    return [parse_json(ExportTraceServiceRequest, line).message for line in content.splitlines()]


def parquet(span_store: Any, wanted: Wanted = EVERYTHING) -> pa.Table:
    with span_store.store.snapshot() as snapshot:
        return pq.read_table(pa.BufferReader(b"".join(stream_spans(snapshot, wanted, "parquet"))))


def spans_of(requests: Iterable[ExportTraceServiceRequest]) -> dict[tuple[bytes, bytes], dict[str, Any]]:
    """Every span with its resource and scope; where an id is there twice, the first."""
    found: dict[tuple[bytes, bytes], dict[str, Any]] = {}
    for request in requests:
        for resource_spans in request.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    described = {
                        "resource": MessageToDict(resource_spans.resource),
                        "scope": MessageToDict(scope_spans.scope),
                        "schema_urls": (resource_spans.schema_url, scope_spans.schema_url),
                        "span": MessageToDict(span),
                    }
                    found.setdefault((span.trace_id, span.span_id), described)
    return found


def test_every_real_file_comes_out_as_it_went_in(span_store: Any, sealed: Callable[[], None], test_data: Path) -> None:
    originals = []
    for number, path in enumerate(sorted((test_data / "real_otlp").glob("*.pb"))):
        originals.append(ExportTraceServiceRequest.FromString(path.read_bytes()))
        span_store.add_body(path.read_bytes())
        if number == 2:
            sealed()
    expected = spans_of(originals)
    requests = exported(span_store)
    assert spans_of(requests) == expected
    assert max(sum(1 for _ in spans_of([request])) for request in requests) <= LINE_SPANS
    table = parquet(span_store)
    assert table.schema.names == list(PUBLIC_SPAN_COLUMNS)
    assert set(zip(table["trace_id"].to_pylist(), table["span_id"].to_pylist(), strict=True)) == {
        (trace_id.hex(), span_id.hex()) for trace_id, span_id in expected
    }
    assert table.num_rows == len(expected)


def random_value(chance: random.Random, depth: int = 0) -> object:
    values: list[object] = [
        "",
        "täxt\0 with \U0001f9ea",
        "<script>' or 1=1 --",
        chance.randint(-(2**63), 2**63 - 1),
        chance.choice([0.0, -0.0, 1e300, 5e-324, 3.0, 1 / 3, float("inf")]),
        chance.random() < 0.5,
        chance.randbytes(chance.randrange(4)),
        None,
    ]
    if depth < 3:
        values.append([random_value(chance, depth + 1) for _ in range(chance.randrange(4))])
        values.append({f"k{n}": random_value(chance, depth + 1) for n in range(chance.randrange(4))})
    return chance.choice(values)


def random_values(chance: random.Random) -> dict[str, object]:
    return {chance.choice(["a", "b.c", "é", 'q"', "http.route"]): random_value(chance) for _ in range(4)}


@pytest.mark.parametrize("seed", range(3))
def test_random_spans_come_out_as_they_went_in(
    span_store: Any, new_span: Any, sealed: Callable[[], None], seed: int
) -> None:
    chance = random.Random(seed)
    for batch in range(3):
        span_store.add(
            *(
                new_span(
                    chance.randrange(1, 5),
                    batch * 100 + number + 1,
                    chance.choice([None, 1, 2]),
                    service=chance.choice(["shop", "cart", ""]),
                    name=chance.choice(["", "GET /", "é\0"]),
                    kind=chance.choice(["UNSPECIFIED", "SERVER", "PRODUCER"]),
                    start_ms=chance.randrange(-(10**9), 10**12),
                    duration_ms=chance.choice([0, 1e-6, 5, -3]),
                    status=chance.choice(["UNSET", "ERROR"]),
                    status_message=chance.choice(["", "no"]),
                    attributes=random_values(chance),
                    resource=random_values(chance),
                    events=[("e", chance.randrange(100), random_values(chance)) for _ in range(chance.randrange(3))],
                    links=[(1, 2)] * chance.randrange(2),
                )
                for number in range(20)
            )
        )
        if batch == 1:
            sealed()
    first = exported(span_store)
    before = spans_of(first)
    assert len(before) == 60
    from importlib import import_module

    span_store_type = type(span_store)
    again = span_store_type(
        import_module("quacktrace_collector.store").Store(span_store.store.data_dir.parent / "again")
    )
    try:
        for request in first:
            again.add_body(request.SerializeToString())
        assert spans_of(exported(again)) == before
        assert again.store.counts() == (60, 0)
    finally:
        again.store.close()


def test_only_what_is_wanted_comes_out(span_store: Any, new_span: Any, sealed: Callable[[], None]) -> None:
    span_store.add(new_span(1, 1, service="cart", start_ms=0), new_span(2, 2, start_ms=1))
    sealed()
    span_store.add(new_span(1, 3, start_ms=2), new_span(3, 4, service="cart", start_ms=3))
    first_ns = 1_795_388_400_000_000_000

    def numbers(**fields: Any) -> list[int]:
        wanted = Wanted(fields.pop("time_range", EVERYTHING.time_range), **fields)
        in_parquet = {int(span_id, 16) for span_id in parquet(span_store, wanted)["span_id"].to_pylist()}
        in_lines = sorted(span_id[-1] for _, span_id in spans_of(exported(span_store, wanted)))
        assert set(in_lines) == in_parquet
        return in_lines

    assert numbers() == [1, 2, 3, 4]
    assert numbers(service="cart") == [1, 4]
    assert numbers(trace_id=f"{1:032x}") == [1, 3]
    assert numbers(time_range=TimeRange(first_ns + 10**6, first_ns + 3 * 10**6)) == [2, 3]
    assert numbers(service="nobody") == []
    assert exported(span_store, Wanted(TimeRange(0, 1))) == []
    assert parquet(span_store, Wanted(TimeRange(0, 1))).schema == parquet(span_store).schema
