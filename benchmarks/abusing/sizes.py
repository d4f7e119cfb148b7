"""Requests at the limits and past them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from abusing.actions import new_trace, request
from abusing.json_bodies import json_request
from abusing.target import JSON
from abusing.variant import Variant, good, post


def sizes() -> Iterator[Variant]:
    limit = 20 << 20
    yield post("20 MiB exactly, of nothing that is known", "200", lambda: _padded(limit))
    yield post("a byte more than 20 MiB", "413", lambda: _padded(limit + 1))
    yield post("20 MiB of zeros", "400", lambda: bytes(limit))
    yield post("20 MiB of spaces as JSON", "400", lambda: b" " * limit, JSON)
    yield post("20 MiB of [ as JSON", "400", lambda: b"[" * limit, JSON)
    yield post('20 MiB of {"a": as JSON', "400", lambda: b'{"a":' * (limit // 5), JSON)
    yield post("a string of 19 MiB as JSON", "200", lambda: json_request(name="n" * (19 << 20)), JSON)
    yield post(
        "a number of 1 MB as JSON",
        "400",
        lambda: json_request(startTimeUnixNano=77).replace(b" 77", b" " + b"9" * 10**6),
        JSON,
    )
    yield post("100,000 spans", "200", lambda: minimal(100_000))
    yield post("100,001 spans", "413", lambda: minimal(100_001))
    yield post("5,000,000 empty spans", "413", lambda: nested_field(1, nested_field(2, b"\x12\x00" * 5_000_000)))
    yield post("5,000,000 empty resources", "413", lambda: b"\x0a\x00" * 5_000_000)
    yield post("5,000,000 empty scopes", "413", lambda: nested_field(1, b"\x12\x00" * 5_000_000))
    yield post("5,000,000 empty attributes", "413", lambda: in_span(b"\x4a\x00" * 5_000_000))
    yield post("1,000,000 empty events", "200", lambda: in_span(b"\x5a\x00" * 1_000_000))
    yield post("1,000,000 links", "200", lambda: in_span(b"\x6a\x00" * 1_000_000))
    yield post(
        "a value of 19 MB of bytes",
        "200",
        lambda: request(new_trace(), 1, repeat=attribute(bytes_value=bytes(19_000_000))),
    )
    yield post(
        "a status message of 10 MB",
        "200",
        lambda: request(new_trace(), 1, repeat=lambda span: setattr(span.status, "message", "m" * 10**7)),
    )
    yield post(
        "a trace_state of 1 MB",
        "200",
        lambda: request(new_trace(), 1, repeat=lambda span: setattr(span, "trace_state", "s" * 10**6)),
    )
    yield post("a resource of 50,000 attributes", "200", lambda: _resource(50_000))
    yield post("1,000 services", "200", _thousand_services)
    yield post("20,000 services", "200", lambda: _thousand_services(20_000))
    yield post("an array of 1,000,000 numbers", "200", lambda: request(new_trace(), 1, repeat=_array))


def _padded(size: int) -> bytes:
    """A field that nobody knows, so many bytes with its head."""
    return b"\x7a" + _varint(size - 5) + bytes(size - 5)


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def nested_field(number: int, payload: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(payload)) + payload


def in_span(payload: bytes) -> bytes:
    ids = nested_field(1, os.urandom(16)) + nested_field(2, os.urandom(8))
    return nested_field(1, nested_field(2, nested_field(2, ids + payload)))


def minimal(spans: int) -> bytes:
    ids = [nested_field(2, nested_field(1, os.urandom(16)) + nested_field(2, os.urandom(8))) for _ in range(spans)]
    return nested_field(1, nested_field(2, b"".join(ids)))


def attribute(**value: Any) -> Callable[..., None]:
    def add(span: Any) -> None:
        attribute = span.attributes.add(key="k")
        for name, content in value.items():
            setattr(attribute.value, name, content)

    return add


def _array(span: Any) -> None:
    values = span.attributes.add(key="array").value.array_value.values
    for number in range(1_000_000):
        values.add().int_value = number


def _resource(attributes: int) -> bytes:
    message = ExportTraceServiceRequest.FromString(good())
    for number in range(attributes):
        message.resource_spans[0].resource.attributes.add(key=f"k{number}").value.int_value = number
    body: bytes = message.SerializeToString()
    return body


def _thousand_services(services: int = 1000) -> bytes:
    return b"".join(request(new_trace(), 1, service=f"service-{new_trace()}") for _ in range(services))
