"""Undo what the logging instrumentation changes on the console, and keep a missing collector to one line."""

from __future__ import annotations

import logging
import time

__all__ = ["keep_console_logging", "say_seldom"]

SILENT_FOR_S = 300.0


def keep_console_logging() -> None:
    """Move OpenTelemetry's handler from the root logger to behind it: it still sees each record that reaches the root.

    With any handler on the root, `logging.warning()` no longer configures the console, the handler of last resort stays
    silent, and Flask and Werkzeug believe that logging is set up: a program without a logging configuration lost
    every warning and "Running on http://…" (opentelemetry-instrumentation-logging 0.66b1).
    """
    try:
        from opentelemetry.instrumentation.logging.handler import LoggingHandler
    except ImportError:
        return
    root = logging.getLogger()
    handlers = [handler for handler in root.handlers if isinstance(handler, LoggingHandler)]
    if not handlers:
        return
    for handler in handlers:
        root.removeHandler(handler)
    call_handlers = logging.Logger.callHandlers

    def call_handlers_and_ours(logger: logging.Logger, record: logging.LogRecord) -> None:
        call_handlers(logger, record)
        if _reaches_root(logger):
            for handler in handlers:
                if record.levelno >= handler.level:
                    handler.handle(record)

    logging.Logger.callHandlers = call_handlers_and_ours  # type: ignore[assignment]  # mypy binds self twice


def say_seldom() -> None:
    """Let the exporters say that the collector is missing once in five minutes instead of at each retry."""
    from opentelemetry.sdk import _shared_internal

    names = (
        "opentelemetry.exporter.otlp.proto.grpc.exporter",
        "opentelemetry.exporter.otlp.proto.http.trace_exporter",
        "opentelemetry.exporter.otlp.proto.http._log_exporter",
        "opentelemetry.exporter.otlp.proto.http.metric_exporter",
        _shared_internal.__name__,
    )
    seldom = _Seldom()
    for name in names:
        logging.getLogger(name).addFilter(seldom)


def _reaches_root(logger: logging.Logger | None) -> bool:
    while logger is not None and logger.parent is not None:
        if not logger.propagate:
            return False
        logger = logger.parent
    return True


class _Seldom(logging.Filter):
    """One filter over all the exporters: the first complaint passes, in words that tell what it means."""

    def __init__(self) -> None:
        super().__init__()
        self.silent_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        if time.monotonic() < self.silent_until:
            return False
        self.silent_until = time.monotonic() + SILENT_FOR_S
        record.msg = f"quacktrace: telemetry is not getting through, the program runs on ({record.getMessage()})"
        record.args = None
        return True
