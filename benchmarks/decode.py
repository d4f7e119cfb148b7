"""Decoding, stage by stage, in CPU microseconds a span; prints one JSON object.

    python benchmarks/decode.py [--spans 200000] [--corpus FILE] [--rounds 5]

The spans are of 12 services with 10 attributes and some 420 bytes each, unless a file of length-prefixed requests
(4 bytes, little endian, then the body) is given. Each figure is the best of the rounds, over all bodies.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from quacktrace_collector.decode import decode_spans
from quacktrace_collector.decode.attributes import attribute_columns
from quacktrace_collector.decode.containers import flatten_requests
from quacktrace_collector.decode.events_links import event_column, link_column
from quacktrace_collector.decode.hex_ids import SPAN_ID_BYTES, TRACE_ID_BYTES, hex_ids
from quacktrace_collector.decode.promoted import promoted_columns
from quacktrace_collector.decode.wire import trace_requests
from quacktrace_collector.receive.accept import accepted_request
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.signal_kinds import Signal

BASE_NS = 1_795_388_400_000_000_000
GROUP = 25
SERVICES = (
    "frontend",
    "gateway",
    "auth",
    "catalog",
    "cart",
    "pricing",
    "checkout",
    "payment",
    "stock",
    "ship",
    "mail",
    "ads",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=200_000)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    bodies = read_corpus(arguments.corpus) if arguments.corpus else list(requests(arguments.spans, spans_each=500))
    spans = count_spans(bodies)
    small = list(requests(min(spans, 20_000), spans_each=20))
    documents = [as_json(body) for body in bodies[:20]]

    def measure(work: Callable[[], object], count: int) -> float:
        return round(best_cpu_s(work, arguments.rounds) / count * 1e6, 3)

    def decode_in_groups(group: Sequence[bytes], size: int) -> None:
        for start in range(0, len(group), size):
            decode_spans(group[start : start + size], received_at_ns=BASE_NS)

    def validate(group: Sequence[bytes], encoding: Encoding) -> None:
        for body in group:
            accepted_request(Signal.TRACES, encoding, body)

    print(
        json.dumps(
            {
                "benchmark": "decode",
                "unit": "CPU µs per span",
                "spans": spans,
                "bytes_per_span": round(sum(map(len, bodies)) / spans, 1),
                "validate": measure(lambda: validate(bodies, Encoding.PROTOBUF), spans),
                "decode_500_spans_a_request_25_a_group": measure(lambda: decode_in_groups(bodies, GROUP), spans),
                "decode_500_spans_a_request_alone": measure(lambda: decode_in_groups(bodies, 1), spans),
                "validate_20_spans_a_request": measure(lambda: validate(small, Encoding.PROTOBUF), count_spans(small)),
                "decode_20_spans_a_request_25_a_group": measure(
                    lambda: decode_in_groups(small, GROUP), count_spans(small)
                ),
                "json_to_protobuf": measure(lambda: validate(documents, Encoding.JSON), count_spans(bodies[:20])),
                "stages": stages(bodies[:GROUP], arguments.rounds),
                "python": platform.python_version(),
                **{name: version(name) for name in ("ptars", "pyarrow", "numpy", "protobuf")},
            },
            ensure_ascii=False,
        )
    )


def stages(bodies: Sequence[bytes], rounds: int) -> dict[str, float]:
    """What a group of bodies costs in each part of decoding."""
    count = count_spans(bodies)
    nothing: Counter[str] = Counter()
    arrow = trace_requests(bodies)
    spans = flatten_requests(arrow, scopes="scope_spans", records="spans", normalised=nothing).records
    attributes = attribute_columns(spans.field("attributes"), nothing)
    parts: dict[str, Callable[[], object]] = {
        "protobuf_to_arrow": lambda: trace_requests(bodies),
        "origins": lambda: flatten_requests(arrow, scopes="scope_spans", records="spans", normalised=nothing),
        "ids": lambda: [
            hex_ids(spans.field("trace_id"), TRACE_ID_BYTES),
            hex_ids(spans.field("span_id"), SPAN_ID_BYTES),
        ],
        "attributes": lambda: attribute_columns(spans.field("attributes"), nothing),
        "promoted": lambda: promoted_columns(attributes),
        "events_and_links": lambda: [
            event_column(spans.field("events"), nothing),
            link_column(spans.field("links"), nothing),
        ],
        "all": lambda: decode_spans(bodies, received_at_ns=BASE_NS),
    }
    return {name: round(best_cpu_s(work, 3 * rounds) / count * 1e6, 3) for name, work in parts.items()}


def best_cpu_s(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds of this process, the least of the rounds."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def requests(spans: int, *, spans_each: int) -> Iterator[bytes]:
    """Trace export requests of a shop, the same for the same arguments."""
    dice = random.Random(1)
    for _ in range(-(-spans // spans_each)):
        request = ExportTraceServiceRequest()
        services = dice.sample(SERVICES, min(len(SERVICES), max(1, spans_each // 20)))
        for index, service in enumerate(services):
            resource_spans = request.resource_spans.add()
            resource_spans.resource.attributes.extend(key_values(resource_of(service)))
            for scope in ("opentelemetry.instrumentation.http", "opentelemetry.instrumentation.db"):
                scope_spans = resource_spans.scope_spans.add()
                scope_spans.scope.name, scope_spans.scope.version = scope, "0.66b1"
                for _ in range(
                    spans_each * (index + 1) // len(services) // 2 - spans_each * index // len(services) // 2
                ):
                    add_span(scope_spans.spans, dice, is_query=scope.endswith("db"))
        yield request.SerializeToString()


def add_span(spans: Any, dice: random.Random, *, is_query: bool) -> None:
    start = BASE_NS + dice.randrange(10**12)
    span = spans.add(
        trace_id=dice.randbytes(16),
        span_id=dice.randbytes(8),
        parent_span_id=dice.randbytes(8),
        name="SELECT orders" if is_query else "GET /api/v1/orders",
        kind=3 if is_query else 2,
        start_time_unix_nano=start,
        end_time_unix_nano=start + dice.randrange(10**9),
        attributes=key_values(query_of(dice) if is_query else call_of(dice)),
    )
    if dice.random() < 0.03:
        span.status.code = 2
        span.events.add(name="exception", time_unix_nano=start, attributes=key_values({"exception.type": "ValueError"}))


def resource_of(service: str) -> dict[str, object]:
    return {
        "service.name": service,
        "service.version": "1.4.2",
        "service.instance.id": f"{service}-1",
        "deployment.environment.name": "production",
        "telemetry.sdk.language": "python",
        "host.name": "node-1",
    }


def call_of(dice: random.Random) -> dict[str, object]:
    return {
        "http.request.method": "GET",
        "http.response.status_code": dice.choice((200, 200, 200, 404, 500)),
        "url.scheme": "http",
        "server.address": dice.choice(SERVICES),
        "server.port": 8080,
        "http.response.body.size": dice.randrange(100_000),
        "http.route": "/api/v1/orders/{id}",
        "url.path": f"/api/v1/orders/{dice.randrange(10_000)}",
        "client.address": f"10.0.{dice.randrange(256)}.{dice.randrange(256)}",
        "user_agent.original": "python-requests/2.32.3",
        "enduser.id": f"user-{dice.randrange(10_000)}",
    }


def query_of(dice: random.Random) -> dict[str, object]:
    return {
        "db.system.name": "postgresql",
        "db.namespace": "orders",
        "db.operation.name": "SELECT",
        "db.collection.name": "orders",
        "db.query.text": "SELECT id, name, price FROM orders WHERE id = $1",
        "server.address": "db-0",
        "server.port": 5432,
        "db.response.returned_rows": dice.randrange(100),
        "thread.id": dice.randrange(10**6),
    }


def key_values(values: dict[str, object]) -> list[KeyValue]:
    return [
        KeyValue(
            key=key, value=AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=str(value))
        )
        for key, value in values.items()
    ]


def as_json(body: bytes) -> bytes:
    """The same request as OTLP JSON."""
    document = MessageToDict(ExportTraceServiceRequest.FromString(body), use_integers_for_enums=True)
    request = ExportTraceServiceRequest.FromString(body)
    for resource, sent in zip(document["resourceSpans"], request.resource_spans, strict=True):
        for scope, sent_scope in zip(resource["scopeSpans"], sent.scope_spans, strict=True):
            for span, sent_span in zip(scope.get("spans", ()), sent_scope.spans, strict=True):
                span["traceId"], span["spanId"] = sent_span.trace_id.hex(), sent_span.span_id.hex()
                span["parentSpanId"] = sent_span.parent_span_id.hex()
    return orjson.dumps(document)


def read_corpus(path: Path) -> list[bytes]:
    data, bodies, start = path.read_bytes(), [], 0
    while start < len(data):
        [size] = struct.unpack_from("<I", data, start)
        bodies.append(data[start + 4 : start + 4 + size])
        start += 4 + size
    return bodies


def count_spans(bodies: Sequence[bytes]) -> int:
    return sum(
        len(scope_spans.spans)
        for body in bodies
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope_spans in resource_spans.scope_spans
    )


if __name__ == "__main__":
    main()
