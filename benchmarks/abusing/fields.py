"""Fields of a span with values that nobody expects."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from abusing.actions import new_trace, request
from abusing.other_signals import log_request
from abusing.sizes import attribute, in_span, nested_field
from abusing.variant import Variant, post


def fields() -> Iterator[Variant]:
    def changed(**fields: Any) -> Callable[[], bytes]:
        return lambda: request(
            new_trace(), 2, repeat=lambda span: [setattr(span, name, value) for name, value in fields.items()]
        )

    largest = (1 << 64) - 1
    for what, fields in (
        ("a trace_id of no bytes", {"trace_id": b""}),
        ("a trace_id of zeros", {"trace_id": bytes(16)}),
        ("a trace_id of 15 bytes", {"trace_id": b"x" * 15}),
        ("a trace_id of 1 MB", {"trace_id": b"x" * 10**6}),
        ("a span_id of no bytes", {"span_id": b""}),
        ("a span_id of 9 bytes", {"span_id": b"x" * 9}),
        ("a parent of 3 bytes", {"parent_span_id": b"abc"}),
        ("a parent of zeros", {"parent_span_id": bytes(8)}),
        ("times of 0", {"start_time_unix_nano": 0, "end_time_unix_nano": 0}),
        ("the largest times", {"start_time_unix_nano": largest, "end_time_unix_nano": largest}),
        ("times of 2^63", {"start_time_unix_nano": 1 << 63, "end_time_unix_nano": 1 << 63}),
        ("times of 2^63 - 1", {"start_time_unix_nano": (1 << 63) - 1, "end_time_unix_nano": (1 << 63) - 1}),
        ("from 0 to the largest time", {"start_time_unix_nano": 0, "end_time_unix_nano": largest}),
        ("an end before the start", {"start_time_unix_nano": 1 << 60, "end_time_unix_nano": 1}),
        ("a start in a hundred years", {"start_time_unix_nano": time.time_ns() + 100 * 365 * 86400 * 10**9}),
        ("the kind 99", {"kind": 99}),
        ("the kind -1", {"kind": -1}),
        ("the largest flags", {"flags": (1 << 32) - 1}),
        ("the largest dropped counts", {"dropped_attributes_count": (1 << 32) - 1}),
        ("no name", {"name": ""}),
        ("a name of NULs", {"name": "\0" * 100}),
        ("a name of right-to-left marks", {"name": "\u202e" * 100}),
        ("a formula as a name", {"name": "=cmd|' /C calc'!A0"}),
    ):  # fmt: skip
        yield post(what, "200", changed(**fields))
    yield post(
        "a name of bad UTF-8", "400", lambda: request(new_trace(), name="AAAA").replace(b"AAAA", b"\xc3\x28\xff\xfe")
    )
    yield post(
        "a value of bad UTF-8",
        "400",
        lambda: request(new_trace(), 1, repeat=attribute(string_value="AAAA")).replace(b"AAAA", b"\xed\xa0\x80\xff"),
    )
    yield post(
        "a status code of 7",
        "200",
        lambda: request(new_trace(), 1, repeat=lambda span: setattr(span.status, "code", 7)),
    )
    yield post(
        "an attribute without a value",
        "200",
        lambda: request(new_trace(), 1, repeat=lambda span: span.attributes.add(key="k")),
    )
    yield post(
        "a key of 1 MB",
        "200",
        lambda: request(
            new_trace(), 1, repeat=lambda span: setattr(span.attributes.add(key="k" * 10**6).value, "bool_value", True)
        ),
    )
    yield post(
        "quotes and NULs in a key",
        "200",
        lambda: request(
            new_trace(), 1, repeat=lambda span: setattr(span.attributes.add(key="a'b\"c\0d").value, "int_value", 1)
        ),
    )
    yield post("10,000 spans with one id", "200", lambda: b"".join([request(7, 1)] * 10_000))
    yield post("one span_id in 1,000 traces", "200", lambda: b"".join(request(trace << 1, 1) for trace in range(1000)))
    yield post("a chain of 5,000 spans", "200", lambda: _chain(5000))
    yield post("a varint of 11 bytes", "400", lambda: b"\x08" + b"\xff" * 10 + b"\x01")
    yield post("a length past the end", "400", lambda: b"\x0a\xff\x7f" + b"x")
    yield post("field 0", "400", lambda: b"\x02\x00")
    yield post("the wire type 7", "400", lambda: b"\x0f\x00")
    yield post("a number where a message stands", "200|400", lambda: b"\x08\x05")
    yield post(
        "values nested 30 deep",
        "200",
        lambda: in_span(nested_field(9, nested_field(1, b"k") + nested_field(2, deep(30)))),
    )
    yield post(
        "values nested 99 deep",
        "200|400",
        lambda: in_span(nested_field(9, nested_field(1, b"k") + nested_field(2, deep(99)))),
    )
    yield post(
        "values nested 3,000 deep",
        "400",
        lambda: in_span(nested_field(9, nested_field(1, b"k") + nested_field(2, deep(3000)))),
    )
    yield post("groups nested in a span", "400", lambda: in_span(b"\x7b" * 200_000 + b"\x7c" * 200_000))
    yield post("logs on the traces' path", "200|400", log_request)


def deep(levels: int) -> bytes:
    value = nested_field(1, b"x")
    for _ in range(levels):
        value = nested_field(5, nested_field(1, value))
    return value


def _chain(spans: int) -> bytes:
    message = ExportTraceServiceRequest.FromString(request(new_trace(), min(spans, 4000)))
    of_scope = message.resource_spans[0].scope_spans[0].spans
    for parent, child in pairwise(of_scope):
        child.parent_span_id = parent.span_id
    body: bytes = message.SerializeToString()
    return body
