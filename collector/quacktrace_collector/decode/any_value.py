"""AnyValue as text and one type letter, and back: what a MAP(VARCHAR, VARCHAR) and its `…_types` hold.

| letter | AnyValue | text |
|---|---|---|
| s | string_value | itself |
| i | int_value | decimal |
| d | double_value | the shortest that reads back equal, with a '.' or exponent; NaN, Infinity, -Infinity |
| b | bool_value | true, false |
| y | bytes_value | base64 |
| a | array_value | OTLP JSON of the ArrayValue: `{"values":[{"stringValue":"x"}]}` |
| k | kvlist_value | OTLP JSON of the KeyValueList: `{"values":[{"key":"k","value":{"intValue":"1"}}]}` |
| n | nothing | '' |

What had to be cut (y, a, k) becomes s, because it can no longer be restored.
"""

from __future__ import annotations

import base64
import math
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValueList

from quacktrace_collector.decode.arrow_views import Array
from quacktrace_collector.decode.limits import MAX_VALUE_BYTES, cut_text

TYPE_LETTERS: Final = {
    "string_value": "s",
    "int_value": "i",
    "double_value": "d",
    "bool_value": "b",
    "bytes_value": "y",
    "array_value": "a",
    "kvlist_value": "k",
}
# An entry is at least three characters of JSON, so that what follows these would be cut anyway.
_MOST_RENDERED: Final = MAX_VALUE_BYTES // 2


def any_value_text(value: AnyValue) -> tuple[str, str]:
    """The text, cut at MAX_VALUE_BYTES, and the type letter."""
    kind = value.WhichOneof("value")
    letter = TYPE_LETTERS.get(kind, "n") if kind else "n"
    match letter:
        case "s":
            return cut_text(value.string_value, MAX_VALUE_BYTES), "s"
        case "i":
            return str(value.int_value), "i"
        case "d":
            return double_texts(pa.array([value.double_value]))[0].as_py(), "d"
        case "b":
            return "true" if value.bool_value else "false", "b"
        case "y":
            return _cut_composite(base64.b64encode(value.bytes_value).decode(), "y")
        case "a":
            return _cut_composite(
                _json({"values": [_any_value_json(item) for item in value.array_value.values[:_MOST_RENDERED]]}), "a"
            )
        case "k":
            return _cut_composite(_json(_key_values_json(value.kvlist_value)), "k")
    return "", "n"


def double_texts(values: Array) -> Array:
    """Each double as the shortest text that reads back equal."""
    texts = values.cast(pa.string())
    numbers = values.to_numpy(zero_copy_only=False)
    whole = (numbers == np.trunc(numbers)) & (np.abs(numbers) < 1e15)
    if whole.any():
        texts = pc.if_else(pa.array(whole), pc.binary_join_element_wise(texts, ".0", ""), texts)
    for special, text in (
        (np.isnan(numbers), "NaN"),
        (numbers == np.inf, "Infinity"),
        (numbers == -np.inf, "-Infinity"),
    ):
        if special.any():
            texts = pc.if_else(pa.array(special), text, texts)
    return texts


def any_value_json(text: str, letter: str) -> dict[str, Any]:
    """The OTLP JSON of an AnyValue from its text and type letter."""
    match letter:
        case "i":
            return {"intValue": text}
        case "d":
            return {"doubleValue": float(text) if math.isfinite(float(text)) else text}
        case "b":
            return {"boolValue": text == "true"}
        case "y":
            return {"bytesValue": text}
        case "a":
            return {"arrayValue": orjson.loads(text)}
        case "k":
            return {"kvlistValue": orjson.loads(text)}
        case "n":
            return {}
    return {"stringValue": text}


def _cut_composite(text: str, letter: str) -> tuple[str, str]:
    """Text beyond MAX_VALUE_BYTES is cut, and is then no more than a string."""
    cut = cut_text(text, MAX_VALUE_BYTES)
    return (text, letter) if cut == text else (cut, "s")


def _any_value_json(value: AnyValue) -> dict[str, Any]:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return {"arrayValue": {"values": [_any_value_json(item) for item in value.array_value.values[:_MOST_RENDERED]]}}
    if kind == "kvlist_value":
        return {"kvlistValue": _key_values_json(value.kvlist_value)}
    if kind == "bytes_value":
        return {"bytesValue": base64.b64encode(value.bytes_value).decode()}
    if kind == "double_value" and not math.isfinite(value.double_value):
        return {"doubleValue": any_value_text(value)[0]}
    if kind == "double_value":
        return {"doubleValue": value.double_value}
    if kind == "int_value":
        return {"intValue": str(value.int_value)}
    if kind == "bool_value":
        return {"boolValue": value.bool_value}
    return {"stringValue": value.string_value} if kind == "string_value" else {}


def _key_values_json(kvlist: KeyValueList) -> dict[str, Any]:
    return {
        "values": [{"key": item.key, "value": _any_value_json(item.value)} for item in kvlist.values[:_MOST_RENDERED]]
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
