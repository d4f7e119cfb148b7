"""Let a program end at once when there is no collector to take its last spans."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
)

__all__ = ["collector_address", "give_up_when_unreachable", "is_reachable"]

CONNECT_TIMEOUT_S = 0.5


def give_up_when_unreachable() -> None:
    """At exit: stop the exporters' retries when nothing listens; the SDK waits 8 s a signal for them (1.45.1)."""
    if not is_reachable(*collector_address()):
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        for exporter in _exporters():
            exporter.shutdown()


def collector_address() -> tuple[str, int]:
    """Host and port that this process's exporters send to."""
    endpoint = os.environ.get(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) or os.environ.get(OTEL_EXPORTER_OTLP_ENDPOINT) or ""
    default_port = 4318 if os.environ.get(OTEL_EXPORTER_OTLP_PROTOCOL, "grpc").startswith("http") else 4317
    parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    port = parts.port or ({"http": 80, "https": 443}.get(parts.scheme) if parts.netloc else None)
    return parts.hostname or "localhost", port or default_port


def is_reachable(host: str, port: int) -> bool:
    """Whether something accepts a connection there."""
    try:
        socket.create_connection((host, port), CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _exporters() -> Iterator[Any]:
    """The batch processors' exporters: the SDK has no public way to them, so anything absent is passed over."""
    from opentelemetry._logs import get_logger_provider
    from opentelemetry.trace import get_tracer_provider

    spans = getattr(get_tracer_provider(), "_active_span_processor", None)
    logs = getattr(get_logger_provider(), "_multi_log_record_processor", None)
    processors = (*getattr(spans, "_span_processors", ()), *getattr(logs, "_log_record_processors", ()))
    for processor in processors:
        batch = getattr(processor, "_batch_processor", None)
        exporter = getattr(batch, "_exporter", None)
        if exporter is not None:
            yield exporter
