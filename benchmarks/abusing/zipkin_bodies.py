"""Zipkin spans that are hardly any."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from abusing.target import JSON, PROTOBUF
from abusing.variant import Variant, good, post

ZIPKIN = "/api/v2/spans"


def zipkin_bodies() -> Iterator[Variant]:
    for what, expected, document in (
        ("no spans", "202", []),
        ("a span", "202", [zipkin_span()]),
        ("an object", "400", {}),
        ("null", "400", None),
        ("a list of nulls", "400", [None]),
        ("a list of lists", "400", [[]]),
        ("a span without ids", "400", [{"name": "x"}]),
        ("an id that is no hex", "400|202", [zipkin_span(id="zz")]),
        ("an id of zeros", "400|202", [zipkin_span(traceId="0" * 16)]),
        ("an id of 33 digits", "400|202", [zipkin_span(traceId="a" * 33)]),
        ("a negative time", "400|202", [zipkin_span(timestamp=-1)]),
        ("a huge time", "400|202", [zipkin_span(timestamp=1 << 63)]),
        ("a huge duration", "400|202", [zipkin_span(duration=1 << 62)]),
        ("a time that is text", "400|202", [zipkin_span(timestamp="x")]),
        ("a duration of 1e308", "400|202", [zipkin_span(duration=1e308)]),
        ("tags that are a list", "400|202", [zipkin_span(tags=[])]),
        ("tags with numbers", "400|202", [zipkin_span(tags={"a": 5})]),
        ("annotations of nonsense", "400|202", [zipkin_span(annotations=[5])]),
        ("a kind of nonsense", "400|202", [zipkin_span(kind="NONSENSE")]),
        ("an endpoint of nonsense", "400|202", [zipkin_span(localEndpoint=5)]),
        ("an endpoint with a bad port", "400|202", [zipkin_span(remoteEndpoint={"port": 1 << 40, "ipv4": "9.1"})]),
        ("a name that is a number", "400|202", [zipkin_span(name=5)]),
        ("10,000 spans", "202", [zipkin_span() for _ in range(10_000)]),
        ("a span that is its own parent", "202|400", [zipkin_span(id="a" * 16, parentId="a" * 16)]),
        ("a name of lone surrogates", "202|400", [zipkin_span(name="\ud800")]),
        ("100,001 spans", "413", [{"traceId": "a", "id": f"{n:x}"} for n in range(1, 100_002)]),
    ):  # fmt: skip
        yield post(f"Zipkin: {what}", expected, lambda document=document: json.dumps(document).encode(), JSON, ZIPKIN)
    yield post("Zipkin: broken JSON", "400", lambda: b"[{", JSON, ZIPKIN)
    yield post("Zipkin: nothing", "400", lambda: b"", JSON, ZIPKIN)
    yield post("Zipkin: 1 MB of [", "400", lambda: b"[" * 10**6, JSON, ZIPKIN)
    yield post("Zipkin: protobuf", "415", good, PROTOBUF, ZIPKIN)


def zipkin_span(**fields: Any) -> dict[str, Any]:
    return {
        "traceId": os.urandom(8).hex(),
        "id": os.urandom(8).hex(),
        "name": "op",
        "timestamp": 1,
        "duration": 1,
        **fields,
    }
