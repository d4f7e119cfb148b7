"""OTLP/gRPC: `Export` of the three services, bytes in and bytes out: each body takes the same way as over HTTP."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn

import grpc
import grpc.aio
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from quacktrace_collector.errors import QuacktraceError, StartupError
from quacktrace_collector.ingest import Ingest
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.receive.body import MAX_BODY_BYTES
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.receive.export import Exporter
from quacktrace_collector.receive.status import status_of
from quacktrace_collector.receive.validate import Validator
from quacktrace_collector.settings import Settings
from quacktrace_collector.signal_kinds import Signal

_SERVICES: Final = {
    Signal.TRACES: trace_service_pb2.DESCRIPTOR.services_by_name["TraceService"].full_name,
    Signal.LOGS: logs_service_pb2.DESCRIPTOR.services_by_name["LogsService"].full_name,
    Signal.METRICS: metrics_service_pb2.DESCRIPTOR.services_by_name["MetricsService"].full_name,
}
_STATUS_DETAILS: Final = "grpc-status-details-bin"
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_BODY_BYTES),  # counted after decompression
    ("grpc.max_metadata_size", 16 << 10),
    ("grpc.so_reuseport", 0),
)
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


async def start_grpc(settings: Settings, ingest: Ingest, metrics: Metrics) -> tuple[GrpcServer, int]:
    """Bind and serve; the second part is the port, which matters when the settings say 0.

    Raises:
        StartupError: the port is taken.
    """
    validator = Validator()
    exporter = Exporter(ingest, metrics, validator)
    server = grpc.aio.server(options=_OPTIONS)
    for signal, service in _SERVICES.items():
        method = grpc.unary_unary_rpc_method_handler(_export_method(signal, exporter, settings.write_token))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": method}),))
    port = _bind(server, settings)
    await server.start()
    return GrpcServer(server, validator), port


class GrpcServer:
    """A running server and the validation child that belongs to it."""

    def __init__(self, server: Any, validator: Validator) -> None:
        self._server = server
        self._validator = validator

    async def stop(self, grace_s: float) -> None:
        """Refuse new calls at once, let those in flight end within the grace."""
        await self._server.stop(grace_s)
        await self._validator.close()


def _export_method(signal: Signal, exporter: Exporter, token: str | None) -> Callable[[bytes, Any], Awaitable[bytes]]:
    async def export(body: bytes, context: Any) -> bytes:
        if token is not None and not _has_token(context, token):
            await context.abort(
                grpc.StatusCode.UNAUTHENTICATED, "a valid token is needed: authorization: Bearer <token>"
            )
        try:
            answer = await exporter.export(signal, Encoding.PROTOBUF, body)
        except QuacktraceError as error:
            await _abort(context, error)
        return answer.encoded(Encoding.PROTOBUF)

    return export


async def _abort(context: Any, error: QuacktraceError) -> NoReturn:
    status = status_of(error)
    context.set_trailing_metadata(((_STATUS_DETAILS, status.SerializeToString()),))
    await context.abort(_CODES[status.code], status.message)
    raise AssertionError("abort does not return")


def _has_token(context: Any, token: str) -> bool:
    metadata = dict(context.invocation_metadata() or ())
    scheme, _, given = str(metadata.get("authorization", "")).partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


def _bind(server: Any, settings: Settings) -> int:
    credentials = _credentials(settings)

    def add(address: str) -> int:
        port: int = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
        return port

    hosts = ["127.0.0.1", "[::1]"] if _is_loopback(settings.host) else [_bracketed(settings.host)]
    try:
        port = add(f"{hosts[0]}:{settings.grpc_port}")
    except RuntimeError as error:
        raise StartupError(
            f"cannot listen on {hosts[0]}:{settings.grpc_port} for gRPC: the port is taken, or not for this user",
            hint="stop what listens there, or choose another port with --grpc-port",
        ) from error
    for host in hosts[1:]:
        try:
            add(f"{host}:{port}")
        except RuntimeError:
            break  # a machine without IPv6
    return port


def _credentials(settings: Settings) -> Any:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return grpc.ssl_server_credentials(((settings.tls_key.read_bytes(), settings.tls_cert.read_bytes()),))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
