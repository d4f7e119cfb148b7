"""`quacktrace doctor`: walk a span's way from this environment to a stored row, and say which hop fails and why."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.environment_variables import OTEL_TRACES_EXPORTER
from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_SDK_DISABLED,
    OTEL_SERVICE_NAME,
    OTEL_TRACES_SAMPLER,
)

from quacktrace.client import CollectorClient, CollectorUnreachableError
from quacktrace.commands import Command
from quacktrace.exit import collector_address, is_reachable
from quacktrace.run import instrumented_environment
from quacktrace.terminal import DIM, GREEN, RED, colour, printable

__all__ = ["COMMAND", "Finding", "examine"]

SERVICE_NAME = "quacktrace-doctor"
EXPORT_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Finding:
    """What one hop showed."""

    hop: str
    is_ok: bool
    text: str
    fix: str = ""


class HopFailed(Exception):
    """A hop does not work; carries the fix."""

    def __init__(self, text: str, fix: str) -> None:
        super().__init__(text)
        self.fix = fix


@dataclass
class Visit:
    """What the hops hand on to each other."""

    environ: Mapping[str, str]
    """The variables as a program under `quacktrace run` sees them."""
    set_by_user: Mapping[str, str]
    """The OTEL_* variables among them that are not our defaults."""
    url: str
    token: str | None
    exporter: Any = None
    trace_id: str = ""


def examine(visit: Visit) -> Iterator[Finding]:
    """One finding a hop, in the order of a span's way; ends after the first that fails."""
    for hop, check in HOPS:
        try:
            yield Finding(hop, True, check(visit))
        except HopFailed as failure:
            yield Finding(hop, False, str(failure), failure.fix)
            return


def _check_environment(visit: Visit) -> str:
    environ = visit.environ
    if environ.get(OTEL_SDK_DISABLED, "").lower() == "true":
        raise HopFailed(f"{OTEL_SDK_DISABLED}=true switches the SDK off", f"unset {OTEL_SDK_DISABLED}")
    exporters = environ.get(OTEL_TRACES_EXPORTER, "otlp")
    if "otlp" not in exporters.split(","):
        raise HopFailed(f"{OTEL_TRACES_EXPORTER}={exporters} sends no traces", f"set {OTEL_TRACES_EXPORTER}=otlp")
    if environ.get(OTEL_TRACES_SAMPLER) == "always_off":
        raise HopFailed(f"{OTEL_TRACES_SAMPLER}=always_off drops every span", f"unset {OTEL_TRACES_SAMPLER}")
    # Headers carry tokens, which do not belong on a screen.
    values = [f"{name}={value}" for name, value in sorted(visit.set_by_user.items()) if "HEADERS" not in name]
    return f"set by you: {', '.join(values)}" if values else "no OTEL_* variable set, the defaults hold"


def _check_import(visit: Visit) -> str:
    try:
        versions = {name: version(f"opentelemetry-{name}") for name in ("api", "sdk", "distro", "instrumentation")}
    except PackageNotFoundError as error:
        raise HopFailed(f"{error.name} is not installed", "pip install --force-reinstall quacktrace") from error
    if versions["api"] != versions["sdk"] or versions["distro"] != versions["instrumentation"]:
        told = ", ".join(f"{name} {number}" for name, number in versions.items())
        raise HopFailed(f"OpenTelemetry's parts are of different versions: {told}", "pip install --upgrade quacktrace")
    found = sorted({entry_point.name for entry_point in entry_points(group="opentelemetry_instrumentor")})
    return f"OpenTelemetry {versions['sdk']}, {len(found)} instrumentations installed"


def _make_exporter(visit: Visit) -> str:
    protocol = visit.environ.get(OTEL_EXPORTER_OTLP_PROTOCOL, "grpc")
    endpoint = visit.environ.get(OTEL_EXPORTER_OTLP_ENDPOINT) or "the default endpoint"
    try:
        if protocol == "grpc":
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter

            visit.exporter = GrpcSpanExporter(timeout=EXPORT_TIMEOUT_S)
        elif protocol == "http/protobuf":
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter

            visit.exporter = HttpSpanExporter(timeout=EXPORT_TIMEOUT_S)
        else:
            raise HopFailed(
                f"{OTEL_EXPORTER_OTLP_PROTOCOL}={protocol} is not spoken by Python's exporters",
                f"set {OTEL_EXPORTER_OTLP_PROTOCOL} to grpc or http/protobuf",
            )
    except (ImportError, ValueError, OSError) as error:
        raise HopFailed(
            f"the exporter cannot be made: {error}", "look at the OTEL_EXPORTER_OTLP_* variables"
        ) from error
    return f"OTLP {protocol} to {endpoint}"


def _check_port(visit: Visit) -> str:
    host, port = collector_address()
    if not is_reachable(host, port):
        raise HopFailed(
            f"nothing listens on {host}:{port}",
            f"start a collector there with `quacktrace up`, or set {OTEL_EXPORTER_OTLP_ENDPOINT}",
        )
    return f"{host}:{port} accepts connections"


def _send_span(visit: Visit) -> str:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExportResult

    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE_NAME}), shutdown_on_exit=False)
    span = provider.get_tracer("quacktrace.doctor").start_span("doctor")
    span.end()
    visit.trace_id = format(span.get_span_context().trace_id, "032x")
    assert isinstance(span, ReadableSpan)
    with _log_lines("opentelemetry.exporter") as lines:
        result = visit.exporter.export([span])
        visit.exporter.shutdown()
    if result is not SpanExportResult.SUCCESS:
        raise HopFailed(
            f"the span was not accepted: {lines[-1] if lines else 'no reason given'}",
            "gRPC belongs on port 4317 and http/protobuf on 4318; a collector with a write token needs"
            " OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN",
        )
    return f"span of trace {visit.trace_id} accepted"


def _find_row(visit: Visit) -> str:
    client = CollectorClient(visit.url, token=visit.token, timeout_s=10)
    try:
        answer = client.get(f"/api/v1/traces/{visit.trace_id}")
    except CollectorUnreachableError as error:
        raise HopFailed(f"the API does not answer at {visit.url}", "name it with --url or QUACKTRACE_URL") from error
    if answer.status == 401:
        raise HopFailed("the API asks for a read token", "give --token, or set QUACKTRACE_READ_TOKEN")
    if not answer.is_ok:
        raise HopFailed(
            f"{visit.url} does not know the trace: {answer.error()['message']}",
            "the exporter and --url name different collectors, or this is no quacktrace",
        )
    return f"stored, and found at {visit.url}/trace/{visit.trace_id}"


HOPS: tuple[tuple[str, Callable[[Visit], str]], ...] = (
    ("environment", _check_environment),
    ("SDK", _check_import),
    ("exporter", _make_exporter),
    ("port", _check_port),
    ("export", _send_span),
    ("row", _find_row),
)


@contextmanager
def _log_lines(logger_name: str) -> Iterator[list[str]]:
    """What the logger and its children say meanwhile, kept from the console."""
    lines: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, handler = logging.getLogger(logger_name), Collect()
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.propagate = True


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--endpoint", metavar="URL", help="where spans go (default: as `quacktrace run` would send them)"
    )
    parser.add_argument(
        "--url", metavar="URL", help="the collector's API (default: QUACKTRACE_URL, else port 4318 there)"
    )
    parser.add_argument("--token", metavar="T", help="read token (default: QUACKTRACE_READ_TOKEN)")


def _run(arguments: argparse.Namespace) -> int:
    environ = instrumented_environment(
        ["doctor"],
        os.environ,
        service_name=os.environ.get(OTEL_SERVICE_NAME) or SERVICE_NAME,
        endpoint=arguments.endpoint,
    )
    visit = Visit(
        environ,
        {name: value for name, value in os.environ.items() if name.startswith("OTEL_")},
        arguments.url or os.environ.get("QUACKTRACE_URL") or _api_url(environ),
        arguments.token or os.environ.get("QUACKTRACE_READ_TOKEN"),
    )
    # The exporters read the process's environment.
    os.environ.update(environ)
    is_ok = True
    for finding in examine(visit):
        is_ok = is_ok and finding.is_ok
        mark = colour("OK  ", GREEN) if finding.is_ok else colour("FAIL", RED)
        print(f"{mark} {finding.hop:<12} {printable(finding.text)}", flush=True)
        if finding.fix:
            print(f"     {'':<12} {colour('fix:', DIM)} {printable(finding.fix)}")
    return 0 if is_ok else 1


def _api_url(environ: Mapping[str, str]) -> str:
    parts = urlsplit(environ.get(OTEL_EXPORTER_OTLP_ENDPOINT, ""))
    host = parts.hostname or "127.0.0.1"
    port = parts.port if environ.get(OTEL_EXPORTER_OTLP_PROTOCOL, "").startswith("http") else None
    return f"{parts.scheme or 'http'}://{f'[{host}]' if ':' in host else host}:{port or 4318}"


COMMAND = Command(
    name="doctor",
    summary="check each hop from this environment to a stored span",
    add_arguments=_add_arguments,
    run=_run,
)
