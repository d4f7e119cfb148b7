"""Validation of small bodies here, of large ones in a child process that may die of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quacktrace_collector.errors import BodyTooLargeError, MalformedBodyError
from quacktrace_collector.receive.accept import MAX_CONTAINERS, accepted_request
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.receive.validate import MAX_INLINE_BYTES, Validator
from quacktrace_collector.signal_kinds import Signal


@pytest.fixture
async def validator() -> AsyncIterator[Validator]:
    validator = Validator()
    yield validator
    await validator.close()


def large_request(spans: int = 40_000) -> bytes:
    request = ExportTraceServiceRequest()
    scope_spans = request.resource_spans.add().scope_spans.add()
    for number in range(spans):
        scope_spans.spans.add(trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"), name="x" * 20)
    body: bytes = request.SerializeToString()
    return body


def field(number: int, payload: bytes) -> bytes:
    size, length = len(payload), b""
    while size > 127:
        size, length = size >> 7, length + bytes([size & 127 | 128])
    return bytes([number << 3 | 2]) + length + bytes([size]) + payload


async def test_a_large_body_comes_back_as_the_parser_would_write_it(validator: Validator) -> None:
    body = large_request()
    assert len(body) > MAX_INLINE_BYTES[Encoding.PROTOBUF]
    accepted = await validator.validate(Signal.TRACES, Encoding.PROTOBUF, body + b"\xf8\x07\x01")
    assert (accepted.body, accepted.records) == (body, 40_000)


async def test_a_large_json_body_comes_back_as_protobuf_with_what_was_changed(validator: Validator) -> None:
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"\\ud800' + b"x" * 200_000 + b'"}]}]}]}'
    accepted = await validator.validate(Signal.TRACES, Encoding.JSON, body)
    assert (accepted.records, accepted.normalised) == (1, {"utf8": 1})
    assert (
        ExportTraceServiceRequest.FromString(accepted.body).resource_spans[0].scope_spans[0].spans[0].name[0]
        == "\ufffd"
    )


async def test_large_malformed_bodies_are_refused_and_the_next_one_served(validator: Validator) -> None:
    for body in (b"\xff" * 2_000_000, b"\x0b" * 2_000_000, b"\x7b" * 600_000 + b"\x7c" * 600_000):
        with pytest.raises(MalformedBodyError):
            await validator.validate(Signal.TRACES, Encoding.PROTOBUF, body)
    assert (await validator.validate(Signal.TRACES, Encoding.PROTOBUF, large_request())).records == 40_000


@pytest.mark.parametrize(
    "body",
    [
        field(1, field(2, b"\x12\x00" * 1_000_000)),
        b"\x0a\x00" * 1_000_000,
        field(1, b"\x12\x00" * 1_000_000),
        field(1, field(2, field(2, b"\x4a\x00" * 2_100_000))),
        field(1, field(2, field(2, field(11, b"\x1a\x00" * 2_100_000)))),
    ],
    ids=["spans", "resources", "scopes", "attributes of a span", "attributes of an event"],
)
async def test_small_bodies_that_would_become_large_are_refused(validator: Validator, body: bytes) -> None:
    with pytest.raises(BodyTooLargeError, match="the request holds more than"):
        await validator.validate(Signal.TRACES, Encoding.PROTOBUF, body)


async def test_bodies_that_take_too_much_memory_are_refused_and_the_next_one_served() -> None:
    validator = Validator(max_child_bytes=200 << 20)
    with pytest.raises(BodyTooLargeError, match="memory"):
        await validator.validate(Signal.TRACES, Encoding.PROTOBUF, field(1, field(2, b"\x12\x00" * 2_500_000)))
    with pytest.raises(BodyTooLargeError, match="memory"):
        await validator.validate(Signal.TRACES, Encoding.JSON, b'{"resourceSpans":[' + b"{}," * 2_000_000 + b"{}]}")
    assert (await validator.validate(Signal.TRACES, Encoding.PROTOBUF, large_request())).records == 40_000
    await validator.close()


def test_the_number_of_containers_is_limited_in_small_bodies_too() -> None:
    with pytest.raises(BodyTooLargeError):
        accepted_request(Signal.TRACES, Encoding.PROTOBUF, b"\x0a\x00" * (MAX_CONTAINERS + 1))


async def test_a_request_given_up_on_does_not_answer_the_next(validator: Validator) -> None:
    given_up = asyncio.create_task(validator.validate(Signal.TRACES, Encoding.PROTOBUF, large_request(50_000)))
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert (await validator.validate(Signal.TRACES, Encoding.PROTOBUF, large_request())).records == 40_000


async def test_large_bodies_wait_for_each_other(validator: Validator) -> None:
    answers = await asyncio.gather(
        *(validator.validate(Signal.TRACES, Encoding.PROTOBUF, large_request(30_000 + n)) for n in range(3))
    )
    assert [answer.records for answer in answers] == [30_000, 30_001, 30_002]
