"""Serialised export requests to nested Arrow, by ptars.

ptars is given a copy of the official descriptor that declares some messages as bytes (the wire is the same). AnyValue
is recursive, which ptars cannot hold, and `wire_values` reads KeyValues faster. The wire bytes of resource and scope
are an origin's key, and only an origin that was never seen before is parsed.

ptars must never see what the official parser has not accepted and serialised again: it overflows the stack on deep
groups, and it does not merge singular messages that occur twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import ptars
from google.protobuf import descriptor_pb2, descriptor_pool
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from quacktrace_collector.decode.arrow_views import Array
from quacktrace_collector.errors import MalformedBodyError

_AS_BYTES: Final = frozenset({"AnyValue", "InstrumentationScope", "KeyValue", "Resource"})


def trace_requests(bodies: Sequence[bytes]) -> Array:
    """Each body's list of ResourceSpans; MalformedBodyError if one is not protobuf."""
    return _requests(trace_service_pb2.DESCRIPTOR, "ExportTraceServiceRequest", bodies)


def logs_requests(bodies: Sequence[bytes]) -> Array:
    """Each body's list of ResourceLogs; MalformedBodyError if one is not protobuf."""
    return _requests(logs_service_pb2.DESCRIPTOR, "ExportLogsServiceRequest", bodies)


def _requests(file: Any, message: str, bodies: Sequence[bytes]) -> Array:
    handler = _handler(file, message)
    try:
        return handler.list_to_record_batch(list(bodies)).column(0)
    except ValueError as error:
        raise MalformedBodyError(f"the body is not an {message}: {error}") from error
    except BaseException as error:
        # pyo3's PanicException is no Exception, and its module cannot be imported to be named.
        if type(error).__name__ != "PanicException":
            raise
        raise MalformedBodyError(f"the body is not an {message}: {error}") from None


@cache
def _handler(file: Any, message: str) -> Any:
    pool = descriptor_pool.DescriptorPool()
    _add_file(pool, file, set())
    descriptor = pool.FindMessageTypeByName(f"{file.package}.{message}")
    return ptars.HandlerPool([descriptor.file]).get_for_message(descriptor)


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
