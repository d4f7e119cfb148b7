"""Headers, methods and paths that are wrong or odd."""

from __future__ import annotations

from collections.abc import Iterator

from abusing.json_bodies import json_request
from abusing.target import PROTOBUF
from abusing.variant import Variant, good, post


def headers() -> Iterator[Variant]:
    for content_type in (
        "",
        "application/octet-stream",
        "application/x-protobuf2",
        "multipart/form-data; boundary=x",
        "*/*",
        "\u00ff",
        "x" * 7000,
    ):
        yield post(f"Content-Type {content_type[:30]!r}", "415", good, {"Content-Type": content_type})
    yield post("application/protobuf", "200|415", good, {"Content-Type": "application/protobuf"})
    yield post("no Content-Type", "415", good, {})
    yield post("the type in capitals", "200", good, {"Content-Type": "APPLICATION/X-PROTOBUF"})
    yield post("JSON with a charset", "200", json_request, {"Content-Type": "application/json; charset=utf-8"})
    yield post("a text type for JSON", "415", json_request, {"Content-Type": "text/json"})
    yield post("500 headers", "200|400|431", good, {**PROTOBUF, **{f"X-{number}": "y" for number in range(500)}})
    yield post("a header of 1 MB", "400|431", good, {**PROTOBUF, "X-Long": "y" * 10**6})
    yield post("a path of 100 kB", "400|404|414", good, PROTOBUF, "/v1/traces/" + "a" * 100_000)
    yield post("a query of 7 kB", "200", good, PROTOBUF, "/v1/traces?" + "a" * 7000)
    yield post("a foreign origin", "403", good, {**PROTOBUF, "Origin": "https://evil.example"})
    yield post("an origin of null", "403", good, {**PROTOBUF, "Origin": "null"})
    yield post("a foreign host", "421", good, {**PROTOBUF, "Host": "evil.example"})
    yield post("a host with a loopback's name in front", "421", good, {**PROTOBUF, "Host": "127.0.0.1.evil.example"})
    yield post("no such endpoint", "404", good, PROTOBUF, "/v1/profiles")
    yield post("an endpoint twice", "404", good, PROTOBUF, "/v1/traces/v1/traces")
    yield post("a path with dots", "200|404", good, PROTOBUF, "/v1/../v1/traces")
    yield post("a NUL in the path", "400|404", good, PROTOBUF, "/v1/traces%00")
    yield post("an Authorization that nobody asked for", "200", good, {**PROTOBUF, "Authorization": "Bearer \u00ff"})
    for method in ("GET", "PUT", "DELETE", "PATCH", "HEAD", "TRACE"):
        yield Variant(
            f"{method} of the endpoint",
            "405",
            lambda method=method: lambda one: str(one.post(b"", PROTOBUF, method=method).status),
        )
