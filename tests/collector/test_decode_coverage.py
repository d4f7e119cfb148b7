"""Every field of the protocol is stored and read back: giving it a value changes what decoding and queries give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from quacktrace_collector.decode import Decoded, decode_logs, decode_spans
from quacktrace_collector.store.views import PUBLIC_COLUMNS, Kind

NOT_STORED = {
    "opentelemetry.proto.common.v1.KeyValue.key_strindex": "an index into a table that only profiles have",
    "opentelemetry.proto.common.v1.AnyValue.string_value_strindex": "an index into a table that only profiles have",
}

DECODERS: dict[Any, Any] = {ExportTraceServiceRequest: decode_spans, ExportLogsServiceRequest: decode_logs}
Path = tuple[str, ...]


def message_with_every_list() -> Iterator[tuple[Any, Any]]:
    """Each request with one element in every repeated field, and nothing else than valid ids."""
    for message_class in DECODERS:
        request = message_class()
        fill_lists(request)
        yield message_class, request


def fill_lists(message: Any, depth: int = 0) -> None:
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None or depth > 6:
            continue
        child = getattr(message, field.name)
        if field.is_repeated:
            child = child.add()
        elif field.containing_oneof is None:
            child.SetInParent()
        else:
            continue
        fill_lists(child, depth + 1)
    if "trace_id" in message.DESCRIPTOR.fields_by_name:
        message.trace_id, message.span_id = b"t" * 16, b"s" * 8
    if isinstance(message, KeyValue):
        message.key = "service.name"


def scalar_paths(message: Any, path: Path = ()) -> Iterator[tuple[Path, FieldDescriptor]]:
    """Where each field that holds no message is, down from the request through the first element of every list."""
    for field in message.DESCRIPTOR.fields:
        here = (*path, field.name)
        if field.message_type is None:
            yield here, field
        elif field.containing_oneof is None:
            child = getattr(message, field.name)
            yield from scalar_paths(child[0] if field.is_repeated else child, here)


def cases() -> Iterator[Any]:
    for message_class, request in message_with_every_list():
        for path, field in scalar_paths(request):
            if field.full_name not in NOT_STORED:
                yield pytest.param(message_class, path, id=".".join(path))


def holder(request: Any, path: Path) -> Any:
    for name in path[:-1]:
        request = getattr(request, name)
        request = request[0] if hasattr(request, "add") else request
    return request


def a_value(field: FieldDescriptor) -> Any:
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    if field.type == FieldDescriptor.TYPE_BYTES:
        return b"\xab" * (16 if field.name == "trace_id" else 8)
    return {FieldDescriptor.CPPTYPE_STRING: "given", FieldDescriptor.CPPTYPE_BOOL: True}.get(field.cpp_type, 3)


def give_a_value(request: Any, path: Path) -> None:
    of = holder(request, path)
    field = of.DESCRIPTOR.fields_by_name[path[-1]]
    if field.is_repeated:
        getattr(of, field.name).append(a_value(field))
    else:
        setattr(of, field.name, a_value(field))


def what_is_stored(decoded: Decoded) -> tuple[str, str]:
    origins = sorted(str(origin.values) for origin in decoded.origins.values())
    return decoded.table.drop_columns(["origin_id"]).to_string(preview_cols=100), str(origins)


@pytest.mark.parametrize(("message_class", "path"), list(cases()))
def test_a_field_changes_what_is_stored(message_class: Any, path: Path) -> None:
    request = message_class()
    fill_lists(request)
    before = what_is_stored(DECODERS[message_class]([request.SerializeToString()], received_at_ns=1))
    give_a_value(request, path)
    after = what_is_stored(DECODERS[message_class]([request.SerializeToString()], received_at_ns=1))
    assert after != before


def test_the_exceptions_exist() -> None:
    known = {field.full_name for _, request in message_with_every_list() for _, field in scalar_paths(request)}
    assert set(NOT_STORED) <= known


@pytest.mark.parametrize("is_sealed", [False, True], ids=["hot", "sealed"])
@pytest.mark.parametrize("view", ["spans", "logs"])
def test_a_field_changes_what_is_read_back(
    span_store: Any, sealed: Callable[[], None], view: Kind, is_sealed: bool
) -> None:
    message_class = ExportTraceServiceRequest if view == "spans" else ExportLogsServiceRequest
    paths = [case.values[1] for case in cases() if case.values[0] is message_class]
    for number, path in enumerate([None, *paths]):
        request = message_class()
        fill_lists(request)
        if view == "spans":
            request.resource_spans[0].scope_spans[0].spans[0].span_id = (number + 1).to_bytes(8, "big")
        if path is not None:
            give_a_value(request, path)
        decoded = DECODERS[message_class]([request.SerializeToString()], received_at_ns=number + 1)
        span_store.store.append(*((decoded, None) if view == "spans" else (None, decoded)))
    if is_sealed:
        sealed()
    columns = ", ".join(
        f'cast("{name}" as varchar) as "{name}"' for name in PUBLIC_COLUMNS[view] if name != "received_at"
    )
    plain, *changed = span_store.store.query(f"select {columns} from {view} order by received_at").to_pylist()
    assert len(changed) == len(paths)
    for path, row in zip(paths, changed, strict=True):
        own_id = view == "spans" and path[-2:] != ("spans", "span_id")
        differing = {key for key, value in row.items() if value != plain[key]} - ({"span_id"} if own_id else set())
        assert differing, f"{'.'.join(path)} is stored, but no column of the view {view} shows it"
