"""OTLP JSON to the official messages.

Driven by the descriptors: per message type one table from JSON name to setter. Messages are filled in place, which
takes half the time of handing them to the constructors of others. As the specification says, ids are hex, 64-bit
integers are strings or numbers, unknown fields are ignored. Beyond it: the proto's own field names and the names of
enum values are understood too, and a lone surrogate becomes U+FFFD, because no store can hold it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import orjson
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from quacktrace_collector.errors import MalformedBodyError

INVALID_ID: Final = b"\0"
"""Stands for an id that is not hex: of a length that no id has, so that its span is refused, not its request."""

MAX_VALUE_DEPTH: Final = 50
"""Of arrays and maps within a value: more than the protobuf parser accepts, which has 100 levels for everything."""

_Fill = Callable[[Any, Any], None]
"""Converts a JSON value into the message (or the field of the message) given first."""

_HEX_FIELDS: Final = frozenset({"trace_id", "span_id", "parent_span_id"})
_EXACT_FLOATS: Final = 1 << 53
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_SPECIAL_DOUBLES: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


@dataclass(frozen=True, slots=True)
class ParsedJson:
    """An official message, and what had to be changed to make it."""

    message: Any
    normalised: Mapping[str, int]


class _WrongValueError(Exception):
    """What is wrong; the path to it grows from the end while the error travels up."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.path: list[str] = []


def parse_json(message_class: Any, body: bytes) -> ParsedJson:
    """Convert a JSON body; MalformedBodyError says where it is wrong."""
    document, replaced = load_json(body)
    message = message_class()
    try:
        _fill(message, document)
    except _WrongValueError as error:
        path = "".join(reversed(error.path)).lstrip(".") or "the body"
        raise MalformedBodyError(f"{path}: {error}") from error
    return ParsedJson(message, {"utf8": replaced} if replaced else {})


def load_json(body: bytes) -> tuple[Any, int]:
    """The document, and how many lone surrogates had to be replaced; MalformedBodyError for what is no JSON."""
    try:
        return orjson.loads(body), 0
    except orjson.JSONDecodeError as error:
        if "surrogate" not in str(error) or b"\\u" not in body:
            raise MalformedBodyError(f"the body is not JSON: {error}") from error
    replaced = 0

    def replace_lone(escape: re.Match[bytes]) -> bytes:
        nonlocal replaced
        if escape[1] is None:
            return escape[0]
        replaced += 1
        return rb"\ufffd"

    repaired = _ESCAPE.sub(replace_lone, body)
    try:
        return orjson.loads(repaired), replaced
    except orjson.JSONDecodeError as error:
        raise MalformedBodyError(f"the body is not JSON: {error}") from error


def _fill(message: Any, value: Any) -> None:
    if type(value) is not dict:
        raise _WrongValueError(f"an object is expected, not {_kind(value)}")
    setters = _setters(message.DESCRIPTOR)
    for name, item in value.items():
        setter = setters.get(name)
        if setter is None or item is None:
            continue
        try:
            setter(message, item)
        except (_WrongValueError, ValueError) as error:
            raise _within(f".{name}", error) from error


def _fill_each(fill: _Fill, container: Any, value: Any) -> None:
    if type(value) is not list:
        raise _WrongValueError(f"an array is expected, not {_kind(value)}")
    for index, item in enumerate(value):
        try:
            fill(container.add(), item)
        except (_WrongValueError, ValueError) as error:
            raise _within(f"[{index}]", error) from error


def _fill_key_value(message: KeyValue, value: Any, depth: int = 0) -> None:
    if type(value) is not dict:
        raise _WrongValueError(f"an object is expected, not {_kind(value)}")
    place = ".key"
    try:
        key = value.get("key")
        if key is not None:
            message.key = _string(key)
        place = ".value"
        item = value.get("value")
        if item is not None:
            any_value = message.value
            any_value.SetInParent()
            _fill_any_value(any_value, item, depth)
    except (_WrongValueError, ValueError) as error:
        raise _within(place, error) from error


def _fill_any_value(message: AnyValue, value: Any, depth: int = 0) -> None:
    if type(value) is not dict:
        raise _WrongValueError(f"an object is expected, not {_kind(value)}")
    for name, item in value.items():
        if name == "stringValue" and type(item) is str:  # nine in ten
            message.string_value = item
        elif item is not None:
            try:
                _fill_member(message, name, item, depth)
            except (_WrongValueError, ValueError) as error:
                raise _within(f".{name}", error) from error


def _fill_member(message: AnyValue, name: str, item: Any, depth: int) -> None:
    match name:
        case "stringValue" | "string_value":
            message.string_value = _string(item)
        case "intValue" | "int_value":
            message.int_value = _integer(item)
        case "boolValue" | "bool_value":
            message.bool_value = _boolean(item)
        case "doubleValue" | "double_value":
            message.double_value = _double(item)
        case "bytesValue" | "bytes_value":
            message.bytes_value = _base64(item)
        case "arrayValue" | "array_value":
            message.array_value.SetInParent()
            _fill_values(partial(_fill_any_value, depth=depth + 1), message.array_value.values, item, depth)
        case "kvlistValue" | "kvlist_value":
            message.kvlist_value.SetInParent()
            _fill_values(partial(_fill_key_value, depth=depth + 1), message.kvlist_value.values, item, depth)


def _fill_values(fill: _Fill, container: Any, value: Any, depth: int) -> None:
    if depth >= MAX_VALUE_DEPTH:
        raise _WrongValueError(f"values nest deeper than {MAX_VALUE_DEPTH} levels")
    if type(value) is not dict:
        raise _WrongValueError(f"an object is expected, not {_kind(value)}")
    values = value.get("values")
    if values is not None:
        try:
            _fill_each(fill, container, values)
        except _WrongValueError as error:
            raise _within(".values", error) from error


def _within(place: str, error: Exception) -> _WrongValueError:
    """The same error one level further out; protobuf's own (an integer beyond its field's range) become ours."""
    wrong = error if isinstance(error, _WrongValueError) else _WrongValueError(str(error))
    wrong.path.append(place)
    return wrong


@cache
def _setters(descriptor: Any) -> dict[str, _Fill]:
    """JSON name and original name of each field to a function that converts a value into it."""
    setters: dict[str, _Fill] = {}
    for field in descriptor.fields:
        setters[field.json_name] = setters[field.name] = _setter(field)
    return setters


def _setter(field: FieldDescriptor) -> _Fill:
    name = field.name
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        fill = _FILLS.get(field.message_type.full_name, _fill)

        def set_messages(message: Any, value: Any) -> None:
            _fill_each(fill, getattr(message, name), value)

        def set_message(message: Any, value: Any) -> None:
            child = getattr(message, name)
            child.SetInParent()
            fill(child, value)

        return set_messages if field.is_repeated else set_message
    convert = _conversion(field)

    def set_scalars(message: Any, value: Any) -> None:
        if type(value) is not list:
            raise _WrongValueError(f"an array is expected, not {_kind(value)}")
        getattr(message, name).extend([convert(item) for item in value])

    def set_scalar(message: Any, value: Any) -> None:
        setattr(message, name, convert(value))

    return set_scalars if field.is_repeated else set_scalar


_FILLS: Final[Mapping[str, _Fill]] = {
    KeyValue.DESCRIPTOR.full_name: _fill_key_value,
    AnyValue.DESCRIPTOR.full_name: _fill_any_value,
}


def _conversion(field: FieldDescriptor) -> Callable[[Any], Any]:
    if field.type == FieldDescriptor.TYPE_ENUM:
        return partial(_enum, field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _hex if field.name in _HEX_FIELDS else _base64
    return {
        FieldDescriptor.CPPTYPE_STRING: _string,
        FieldDescriptor.CPPTYPE_BOOL: _boolean,
        FieldDescriptor.CPPTYPE_DOUBLE: _double,
        FieldDescriptor.CPPTYPE_FLOAT: _double,
    }.get(field.cpp_type, _integer)


def _string(value: Any) -> str:
    if type(value) is str:
        return value
    raise _WrongValueError(f"a string is expected, not {_kind(value)}")


def _integer(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is str and value.removeprefix("-").isdecimal() and value.isascii() and len(value) <= 20:
        return int(value)
    if type(value) is float and value.is_integer() and abs(value) <= _EXACT_FLOATS:
        return int(value)
    raise _WrongValueError(f"an integer is expected, not {_kind(value)}")


def _double(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    if type(value) is str:
        if value in _SPECIAL_DOUBLES:
            return _SPECIAL_DOUBLES[value]
        try:
            return float(value)
        except ValueError:
            pass
    raise _WrongValueError(f"a number is expected, not {_kind(value)}")


def _boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise _WrongValueError(f"true or false is expected, not {_kind(value)}")


def _enum(descriptor: EnumDescriptor, value: Any) -> int:
    if type(value) is str:
        named = descriptor.values_by_name.get(value)
        if named is not None:
            return int(named.number)
    return _integer(value)


def _hex(value: Any) -> bytes:
    if type(value) is not str:
        return INVALID_ID
    try:
        decoded = bytes.fromhex(value)
    except ValueError:
        return INVALID_ID
    return decoded if len(value) == 2 * len(decoded) else INVALID_ID


def _base64(value: Any) -> bytes:
    text = _string(value).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _WrongValueError("base64 is expected") from error


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "an object"
        case list():
            return "an array"
        case str() if len(value) > 40:
            return f"{value[:40]!r}…"
    return repr(value)
