"""Errors as google.rpc.Status, which is how OTLP says why a request was refused."""

from __future__ import annotations

from typing import Final

import orjson
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import INTERNAL, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from quacktrace_collector.errors import QuacktraceError
from quacktrace_collector.receive.encodings import Encoding

RETRYABLE: Final = frozenset({429, 502, 503, 504})
RETRY_AFTER_S: Final = 1
"""Stock SDKs have 10 s in total for a batch: a larger value makes them drop it."""

_RPC_CODES: Final = {400: INVALID_ARGUMENT, 413: RESOURCE_EXHAUSTED, 415: INVALID_ARGUMENT, 429: RESOURCE_EXHAUSTED}


def status_of(error: QuacktraceError) -> Status:
    """The status, with RetryInfo where the client should send the same again."""
    code = _RPC_CODES.get(error.status, UNAVAILABLE if error.status in RETRYABLE else INTERNAL)
    status = Status(code=code, message=f"{error.message}; {error.hint}" if error.hint else error.message)
    if error.status in RETRYABLE:
        status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=RETRY_AFTER_S)))
    return status


def encoded_status(error: QuacktraceError, encoding: Encoding) -> bytes:
    """The status in the request's own encoding."""
    status = status_of(error)
    if encoding is Encoding.PROTOBUF:
        body: bytes = status.SerializeToString()
        return body
    return orjson.dumps({"code": status.code, "message": status.message})
