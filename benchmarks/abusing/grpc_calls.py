"""gRPC, and what is none on its port."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from abusing.actions import request
from abusing.fields import deep
from abusing.other_signals import large_metrics, log_request
from abusing.sizes import in_span, minimal, nested_field
from abusing.target import Target
from abusing.variant import Run, Variant, good


def call(what: str, expected: str, body: Callable[[], bytes], *, service: str = "Trace", **options: Any) -> Variant:
    """The name of the status that a gRPC call ends with."""
    package = f"opentelemetry.proto.collector.{service.lower()}.v1.{service}Service"

    def prepare() -> Run:
        made = body()

        def run(one: Target) -> str:
            sizes = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
            with grpc.insecure_channel(f"127.0.0.1:{one.grpc_port}", sizes) as channel:
                try:
                    channel.unary_unary(f"/{package}/{options.pop('method', 'Export')}")(made, timeout=60, **options)
                except grpc.RpcError as error:
                    return str(error.code().name)
            return "OK"

        return run

    return Variant(f"gRPC: {what}", expected, prepare)


def grpc_calls() -> Iterator[Variant]:
    yield call("nothing", "OK", lambda: b"")
    yield call("a request", "OK", good)
    yield call("random bytes", "INVALID_ARGUMENT", lambda: os.urandom(1000))
    yield call("bad UTF-8", "INVALID_ARGUMENT", lambda: request(1, name="AAAA").replace(b"AAAA", b"\xff\xfe\xc0\x80"))
    yield call("21 MiB", "RESOURCE_EXHAUSTED", lambda: bytes(21 << 20))
    yield call("a gzip bomb", "RESOURCE_EXHAUSTED", lambda: bytes(256 << 20), compression=grpc.Compression.Gzip)
    yield call("deflate", "OK", good, compression=grpc.Compression.Deflate)
    yield call("100,001 spans", "RESOURCE_EXHAUSTED", lambda: minimal(100_001))
    yield call(
        "5,000,000 empty spans", "RESOURCE_EXHAUSTED", lambda: nested_field(1, nested_field(2, b"\x12\x00" * 5_000_000))
    )
    yield call("2 MB of groups", "INVALID_ARGUMENT", lambda: b"\x0b" * 2_000_000)
    yield call("values 3,000 deep", "INVALID_ARGUMENT", lambda: in_span(nested_field(9, nested_field(2, deep(3000)))))
    yield call("bad ids", "OK", lambda: request(1, 2, repeat=lambda span: setattr(span, "trace_id", b"x")))
    yield call("an unknown method", "UNIMPLEMENTED", good, method="Import")
    yield call("an unknown service", "UNIMPLEMENTED", good, service="Profiles")
    yield call("logs", "OK", log_request, service="Logs")
    yield call("metrics", "OK", large_metrics, service="Metrics")
    yield call(
        "metadata of 100 kB",
        "RESOURCE_EXHAUSTED|INTERNAL|UNAVAILABLE|UNKNOWN",
        good,
        metadata=[("x-long", "y" * 100_000)],
    )
    yield Variant("gRPC: HTTP/1.1 to its port", "-", lambda: _http_to_grpc)
    yield Variant("gRPC: rubbish after the preface", "-", lambda: _rubbish_to_grpc)


def _http_to_grpc(one: Target) -> str:
    return _say_to_grpc(one, b"POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n")


def _rubbish_to_grpc(one: Target) -> str:
    return _say_to_grpc(one, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + os.urandom(5000))


def _say_to_grpc(one: Target, said: bytes) -> str:
    with socket.create_connection(("127.0.0.1", one.grpc_port), timeout=10) as connection:
        connection.sendall(said)
        try:
            while connection.recv(1 << 16):
                continue
        except OSError:
            pass
    return "-"
