"""The two encodings of OTLP."""

from __future__ import annotations

from enum import Enum


class Encoding(Enum):
    """How an export request is written; the value is its content type."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"
