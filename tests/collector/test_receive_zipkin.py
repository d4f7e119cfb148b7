"""Zipkin over HTTP: answered as Zipkin answers, limited and counted as OTLP is."""

from __future__ import annotations

import gzip
import json

import pytest

from served_collector import JSON, Collector


async def post_zipkin(collector: Collector, body: bytes, **headers: str) -> tuple[int, bytes]:
    status, answer, _ = await collector.post(body, JSON | headers, "/api/v2/spans")
    return status, answer


def zipkin_spans(count: int, **fields: object) -> bytes:
    spans = [{"traceId": "ab", "id": f"{number + 1:x}", "timestamp": 5, **fields} for number in range(count)]
    return json.dumps(spans).encode()


@pytest.mark.parametrize("count", [0, 3, 5000], ids=["nothing", "small", "in the validation child"])
async def test_zipkin_is_answered_202_without_a_body_and_stored_once(collector: Collector, count: int) -> None:
    body = zipkin_spans(count, name="op" * 10)
    assert await post_zipkin(collector, body) == (202, b"")
    assert await post_zipkin(collector, gzip.compress(body), **{"Content-Encoding": "gzip"}) == (202, b"")
    assert collector.spans() == count
    received, duplicate = (
        collector.metrics.value(f"qt_ingest_{what}_spans_total") for what in ("received", "duplicate")
    )
    assert (received, duplicate) == (2 * count, count)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{}", {}, 400),
        (b"[1]", {}, 400),
        (b"[" * 100_000, {}, 400),
        (zipkin_spans(1, tags=[]), {}, 400),
        (zipkin_spans(2, id="xyz"), {}, 400),
        (zipkin_spans(1)[:-1], {}, 400),
        (zipkin_spans(1, timestamp=1 << 62), {}, 400),
        (zipkin_spans(1), {"Content-Encoding": "gzip"}, 400),
        (zipkin_spans(1), {"Content-Encoding": "br"}, 415),
        (zipkin_spans(1), {"Content-Type": "application/x-thrift"}, 415),
        (zipkin_spans(100_001), {}, 413),
    ],
)
async def test_bad_zipkin_is_refused_as_bad_otlp_is(
    collector: Collector, body: bytes, headers: dict[str, str], status: int
) -> None:
    answered, message = await post_zipkin(collector, body, **headers)
    assert (answered, collector.spans()) == (status, 0)
    assert json.loads(message)["message"]


async def test_zipkin_spans_that_are_refused_do_not_take_the_others_with_them(collector: Collector) -> None:
    body = json.dumps([*json.loads(zipkin_spans(2)), {"traceId": "no", "id": "1"}]).encode()
    status, answer = await post_zipkin(collector, body)
    assert (status, collector.spans()) == (202, 2)
    assert json.loads(answer)["partialSuccess"]["rejectedSpans"] == "1"


async def test_a_late_fragment_never_takes_the_place_of_its_span(collector: Collector) -> None:
    fragment = {"traceId": "ab", "id": "1", "annotations": [{"timestamp": 5, "value": "brave.flush"}]}
    for spans in ([fragment], json.loads(zipkin_spans(1, name="whole")), [fragment]):
        assert await post_zipkin(collector, json.dumps(spans).encode()) == (202, b"")
    assert collector.store.query("select name from spans").to_pylist() == [{"name": "whole"}]
