"""How a request may be written: the two encodings of OTLP, and Zipkin's own."""

from __future__ import annotations

from enum import Enum


class Encoding(Enum):
    """How an export request is written."""

    PROTOBUF = "protobuf"
    JSON = "json"
    ZIPKIN = "zipkin"
    """Zipkin's v2 JSON; only traces."""


CONTENT_TYPES = {"application/x-protobuf": Encoding.PROTOBUF, "application/json": Encoding.JSON}
"""OTLP's."""


def content_type_of(encoding: Encoding) -> str:
    """What an answer in this encoding is called."""
    return "application/x-protobuf" if encoding is Encoding.PROTOBUF else "application/json"
