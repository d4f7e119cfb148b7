"""Serialised export requests to nested Arrow, by ptars.

ptars is given a copy of the official descriptor that declares some messages as bytes (the wire is the same). AnyValue
is recursive, which ptars cannot hold, and `wire_values` reads KeyValues faster. The wire bytes of resource and scope
are an origin's key, and only an origin that was never seen before is parsed.

ptars must never see what the official parser has not accepted: it overflows the stack on deep groups. Nor does it merge
singular messages that occur twice: a body that is not what the official serialiser writes is made so first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import ptars
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import DecodeError, EncodeError
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from quacktrace_collector.body_limits import MAX_AS_SENT_BYTES
from quacktrace_collector.decode.arrow_views import Array
from quacktrace_collector.decode.wire_size import repeated_sizes
from quacktrace_collector.errors import MalformedBodyError

# Serialising 100 kB again takes as long as finding out that there is no need to.
_SMALL_BYTES: Final = 100_000
_AS_BYTES: Final = frozenset({"AnyValue", "InstrumentationScope", "KeyValue", "Resource"})


def trace_requests(bodies: Sequence[bytes]) -> Array:
    """Each body's list of ResourceSpans; MalformedBodyError if one is not protobuf."""
    return _requests(trace_service_pb2.ExportTraceServiceRequest, bodies)


def logs_requests(bodies: Sequence[bytes]) -> Array:
    """Each body's list of ResourceLogs; MalformedBodyError if one is not protobuf."""
    return _requests(logs_service_pb2.ExportLogsServiceRequest, bodies)


def _requests(message: Any, bodies: Sequence[bytes]) -> Array:
    if sum(map(len, bodies)) <= _SMALL_BYTES:
        return _read(message, [_serialised_again(message, body) for body in bodies])
    [field] = message.DESCRIPTOR.fields
    try:
        requests = _read(message, bodies)
        sizes = np.array([len(body) for body in bodies])
        is_canonical = repeated_sizes(requests, _declared(message).fields_by_name[field.name]) == sizes
        is_canonical |= sizes > MAX_AS_SENT_BYTES
    except MalformedBodyError:
        requests, is_canonical = None, np.zeros(len(bodies), np.bool_)
    if is_canonical.all():
        return requests
    canonical = zip(bodies, is_canonical.tolist(), strict=True)
    return _read(message, [body if is_so else _serialised_again(message, body) for body, is_so in canonical])


def _serialised_again(message: Any, body: bytes) -> bytes:
    """No unknown fields or groups, no singular message in pieces, no field twice or of another type."""
    request = message()
    try:
        request.ParseFromString(body)
        request.DiscardUnknownFields()
        serialised: bytes = request.SerializeToString()
    except (DecodeError, EncodeError) as error:
        raise MalformedBodyError(f"the body is not an {message.DESCRIPTOR.name}: {error}") from error
    return serialised


def _read(message: Any, bodies: Sequence[bytes]) -> Array:
    handler, name = _handler(message), message.DESCRIPTOR.name
    try:
        return handler.list_to_record_batch(list(bodies)).column(0)
    except ValueError as error:
        raise MalformedBodyError(f"the body is not an {name}: {error}") from error
    except BaseException as error:
        # pyo3's PanicException is no Exception, and its module cannot be imported to be named.
        if type(error).__name__ != "PanicException":
            raise
        raise MalformedBodyError(f"the body is not an {name}: {error}") from None


@cache
def _handler(message: Any) -> Any:
    descriptor = _declared(message)
    return ptars.HandlerPool([descriptor.file]).get_for_message(descriptor)


@cache
def _declared(message: Any) -> Any:
    """The message's descriptor, with some messages declared as bytes."""
    pool = descriptor_pool.DescriptorPool()
    _add_file(pool, message.DESCRIPTOR.file, set())
    return pool.FindMessageTypeByName(message.DESCRIPTOR.full_name)


def _add_file(pool: Any, file: Any, done: set[str]) -> None:
    if file.name in done:
        return
    done.add(file.name)
    for dependency in file.dependencies:
        _add_file(pool, dependency, done)
    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    for message in proto.message_type:
        _declare_bytes(message)
    pool.Add(proto)


def _declare_bytes(message: Any) -> None:
    for field in message.field:
        if field.type_name.rpartition(".")[2] in _AS_BYTES:
            field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
    for nested in message.nested_type:
        _declare_bytes(nested)
