"""OTLP JSON that is hardly any."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from abusing.target import JSON
from abusing.variant import Variant, post


def json_bodies() -> Iterator[Variant]:
    for what, expected, body in (
        ("nothing", "400", b""),
        ("null", "400", b"null"),
        ("a list", "400", b"[]"),
        ("a number", "400", b"5"),
        ("a comment", "400", b"{} // no"),
        ("a trailing comma", "400", b'{"resourceSpans":[],}'),
        ("a byte order mark", "400|200", b"\xef\xbb\xbf{}"),
        ("UTF-16", "400", '{"resourceSpans":[]}'.encode("utf-16")),
        ("bad UTF-8", "400", b'{"a":"\xff"}'),
        ("single quotes", "400", b"{'resourceSpans':[]}"),
        ("an unknown field", "200", b'{"future":[{"x":1}]}'),
        ("a key twice", "200", b'{"resourceSpans":[],"resourceSpans":[]}'),
        ("null for a list", "200", b'{"resourceSpans":null}'),
        ("an object for a list", "400", b'{"resourceSpans":{}}'),
        ("nulls in a list", "400|200", b'{"resourceSpans":[null]}'),
        ("100,000 deep", "400", b"[" * 100_000 + b"]" * 100_000),
        ("a lone surrogate as a key", "200|400", b'{"\\ud800":1}'),
        ("a control character", "400", b'{"a":"\x01"}'),
        ("two documents", "400", b"{}{}"),
    ):
        yield post(f"JSON: {what}", expected, lambda body=body: body, JSON)
    for what, expected, fields in (
        ("ids in capitals", "200", {"traceId": "AB" * 16}),
        ("an id that is a number", "200|400", {"traceId": 5}),
        ("an id of spaces", "200", {"spanId": " " * 16}),
        ("an id of null", "200", {"spanId": None}),
        ("a time that is negative", "400", {"startTimeUnixNano": -1}),
        ("a time of 2^64", "400", {"startTimeUnixNano": str(1 << 64)}),
        ("a time of 2^64 - 1", "200", {"startTimeUnixNano": str((1 << 64) - 1)}),
        ("a time with a fraction", "400|200", {"startTimeUnixNano": 1.5}),
        ("a time of 1e400", "400", {"startTimeUnixNano": float("inf")}),
        ("NaN", "400|200", {"attributes": [{"key": "k", "value": {"doubleValue": float("nan")}}]}),
        ("two values in one", "200|400", {"attributes": [{"key": "k", "value": {"intValue": 1, "stringValue": "x"}}]}),
        ("an int past 2^63", "400", {"attributes": [{"key": "k", "value": {"intValue": 1 << 63}}]}),
        ("a list for an attribute", "400", {"attributes": [[]]}),
        ("30 levels", "200", {"attributes": [{"key": "k", "value": _json_array(30)}]}),
        ("250 levels", "400", {"attributes": [{"key": "k", "value": _json_array(250)}]}),
        ("base64 that is none", "400", {"attributes": [{"key": "k", "value": {"bytesValue": "%"}}]}),
        ("a kind that is no name", "400|200", {"kind": "SPAN_KIND_NONSENSE"}),
        ("true for a string", "400", {"name": True}),
        ("100,000 attributes", "200", {"attributes": [{"key": f"k{n}", "value": {}} for n in range(100_000)]}),
    ):  # fmt: skip
        yield post(f"JSON: {what}", expected, lambda fields=fields: json_request(**fields), JSON)


def _json_array(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(levels):
        value = {"arrayValue": {"values": [value]}}
    return value


def json_request(**fields: Any) -> bytes:
    span = {"traceId": os.urandom(16).hex(), "spanId": os.urandom(8).hex(), "name": "op", "startTimeUnixNano": "5"}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**span, **fields}]}]}]}).encode()
