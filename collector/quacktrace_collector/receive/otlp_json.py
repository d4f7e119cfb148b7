"""OTLP JSON to the official messages.

Driven by the descriptors: per message type one table from JSON name to conversion. As the specification says, ids are
hex, 64-bit integers are strings or numbers, unknown fields are ignored. Beyond it: the proto's own field names and the
names of enum values are understood too, and a lone surrogate becomes U+FFFD, because no store can hold it.
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
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from quacktrace_collector.errors import MalformedBodyError

INVALID_ID: Final = b"\0"
"""Stands for an id that is not hex: of a length that no id has, so that its span is refused, not its request."""

MAX_VALUE_DEPTH: Final = 30
"""Of arrays and maps within a value: a link's attribute of that depth takes 97 of the protobuf parser's 100 levels."""

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
    document, replaced = _load(body)
    try:
        message = _message(message_class, document)
    except _WrongValueError as error:
        path = "".join(reversed(error.path)).lstrip(".") or "the body"
        raise MalformedBodyError(f"{path}: {error}") from error
    return ParsedJson(message, {"utf8": replaced} if replaced else {})


def _load(body: bytes) -> tuple[Any, int]:
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


def _message(message_class: Any, value: Any) -> Any:
    if type(value) is not dict:
        raise _WrongValueError(f"an object is expected, not {_kind(value)}")
    fields = _fields(message_class)
    arguments = {}
    for name, item in value.items():
        field = fields.get(name)
        if field is None or item is None:
            continue
        try:
            arguments[field[0]] = field[1](item)
        except _WrongValueError as error:
            error.path.append(f".{name}")
            raise
    try:
        return message_class(**arguments)
    except (ValueError, TypeError) as error:  # an integer beyond its field's range
        raise _WrongValueError(str(error)) from error


def _repeated(convert: Callable[[Any], Any], value: Any) -> list[Any]:
    if type(value) is not list:
        raise _WrongValueError(f"an array is expected, not {_kind(value)}")
    converted = []
    for index, item in enumerate(value):
        try:
            converted.append(convert(item))
        except _WrongValueError as error:
            error.path.append(f"[{index}]")
            raise
    return converted


def _key_value(value: Any, depth: int = 0) -> KeyValue:
    if type(value) is not dict:
        raise _WrongValueError(f"an object is expected, not {_kind(value)}")
    place = ".key"
    try:
        key = value.get("key")
        key = "" if key is None else _string(key)
        place = ".value"
        item = value.get("value")
        return KeyValue(key=key, value=None if item is None else _any_value(item, depth))
    except _WrongValueError as error:
        error.path.append(place)
        raise


def _any_value(value: Any, depth: int = 0) -> AnyValue:
    if type(value) is not dict:
        raise _WrongValueError(f"an object is expected, not {_kind(value)}")
    result: dict[str, Any] = {}
    for name, item in value.items():
        if item is None:
            continue
        try:
            match name:
                case "stringValue" | "string_value":
                    result = {"string_value": _string(item)}
                case "intValue" | "int_value":
                    result = {"int_value": _integer(item)}
                case "boolValue" | "bool_value":
                    result = {"bool_value": _boolean(item)}
                case "doubleValue" | "double_value":
                    result = {"double_value": _double(item)}
                case "arrayValue" | "array_value":
                    values = _values_of(item, partial(_any_value, depth=depth + 1), depth)
                    result = {"array_value": ArrayValue(values=values)}
                case "kvlistValue" | "kvlist_value":
                    values = _values_of(item, partial(_key_value, depth=depth + 1), depth)
                    result = {"kvlist_value": KeyValueList(values=values)}
                case "bytesValue" | "bytes_value":
                    result = {"bytes_value": _base64(item)}
        except _WrongValueError as error:
            error.path.append(f".{name}")
            raise
    try:
        return AnyValue(**result)
    except ValueError as error:
        raise _WrongValueError(str(error)) from error


def _values_of(value: Any, convert: Callable[[Any], Any], depth: int) -> list[Any]:
    if depth >= MAX_VALUE_DEPTH:
        raise _WrongValueError(f"values nest deeper than {MAX_VALUE_DEPTH} levels")
    if type(value) is not dict:
        raise _WrongValueError(f"an object is expected, not {_kind(value)}")
    values = value.get("values")
    return [] if values is None else _repeated(convert, values)


@cache
def _fields(message_class: Any) -> dict[str, tuple[str, Callable[[Any], Any]]]:
    fields = {}
    for field in message_class.DESCRIPTOR.fields:
        convert = _conversion(field)
        if field.is_repeated:
            convert = partial(_repeated, convert)
        fields[field.json_name] = fields[field.name] = (field.name, convert)
    return fields


def _conversion(field: FieldDescriptor) -> Callable[[Any], Any]:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _message_conversion(field.message_type)
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


def _message_conversion(descriptor: Descriptor) -> Callable[[Any], Any]:
    if descriptor.full_name == KeyValue.DESCRIPTOR.full_name:
        return _key_value
    if descriptor.full_name == AnyValue.DESCRIPTOR.full_name:
        return _any_value
    return partial(_message, GetMessageClass(descriptor))


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
