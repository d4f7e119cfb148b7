"""`quacktrace run -- CMD…`: become CMD, with an environment in which every Python starts instrumented."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_TRACES_EXPORTER
from opentelemetry.sdk.environment_variables import (
    OTEL_BLRP_SCHEDULE_DELAY,
    OTEL_BSP_SCHEDULE_DELAY,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_RESOURCE_ATTRIBUTES,
    OTEL_SERVICE_NAME,
)

from quacktrace.commands import Command
from quacktrace.errors import QuacktraceError, UsageError
from quacktrace.service_name import guess_service_name

__all__ = ["COMMAND", "instrumented_environment"]

BOOTSTRAP = str(Path(__file__).parent / "bootstrap")
OTEL_SEMCONV_STABILITY_OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
DEFAULT_ENDPOINT = "http://127.0.0.1:4318"

DEFAULTS: Mapping[str, str] = {
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
    # The collector does not store metrics.
    OTEL_METRICS_EXPORTER: "none",
    # The stable names; the SDK's instrumentations still send `http.status_code` and `db.system` otherwise.
    OTEL_SEMCONV_STABILITY_OPT_IN: "http,database",
    # Milliseconds. The SDK's 5000 is a long time for someone who waits for a first trace.
    OTEL_BSP_SCHEDULE_DELAY: "500",
    OTEL_BLRP_SCHEDULE_DELAY: "500",
}


def instrumented_environment(
    command: Sequence[str], environ: Mapping[str, str], *, service_name: str | None = None, endpoint: str | None = None
) -> dict[str, str]:
    """The environment for `command`: `environ`, the options, and defaults only for what is not set."""
    result = dict(environ)
    for variable, value in DEFAULTS.items():
        result.setdefault(variable, value)
    if service_name:
        result[OTEL_SERVICE_NAME] = service_name
    elif not result.get(OTEL_SERVICE_NAME) and "service.name=" not in result.get(OTEL_RESOURCE_ATTRIBUTES, ""):
        result[OTEL_SERVICE_NAME] = guess_service_name(command, environ)
    _set_endpoint(result, endpoint)
    paths = [path for path in result.get("PYTHONPATH", "").split(os.pathsep) if path and path != BOOTSTRAP]
    # Django's instrumentation imports the settings before the program could put its folder on sys.path. For all others
    # the working directory stays off it (`opentelemetry-instrument` always adds it): a queue.py there would win.
    if "DJANGO_SETTINGS_MODULE" in environ and os.getcwd() not in paths:
        paths.insert(0, os.getcwd())
    result["PYTHONPATH"] = os.pathsep.join([BOOTSTRAP, *paths])
    result["QUACKTRACE_RUN_PID"] = str(os.getpid())
    return result


def _set_endpoint(environ: dict[str, str], endpoint: str | None) -> None:
    """OTLP/HTTP, except to gRPC's own port: unlike gRPC it lives through a fork (gunicorn) and beside gevent."""
    if endpoint is not None:
        if urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).hostname:
            raise UsageError(f"--endpoint {endpoint!r} is not a URL such as {DEFAULT_ENDPOINT}")
        environ[OTEL_EXPORTER_OTLP_ENDPOINT] = endpoint
    if any(name.startswith("OTEL_EXPORTER_OTLP_") and name.endswith("PROTOCOL") for name in environ):
        return
    if any(name.startswith("OTEL_EXPORTER_OTLP_") and name.endswith("S_ENDPOINT") for name in environ):
        # Endpoints of single signals: the distro knows what to make of them.
        return
    told = environ.setdefault(OTEL_EXPORTER_OTLP_ENDPOINT, DEFAULT_ENDPOINT)
    environ[OTEL_EXPORTER_OTLP_PROTOCOL] = "grpc" if told.rstrip("/").endswith(":4317") else "http/protobuf"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "quacktrace run [--service-name N] [--endpoint URL] [--] CMD …"
    parser.add_argument(
        "--service-name", metavar="N", help="name of the service (default: OTEL_SERVICE_NAME, else guessed)"
    )
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        help=f"the collector (default: OTEL_EXPORTER_OTLP_ENDPOINT, else {DEFAULT_ENDPOINT})",
    )
    parser.add_argument("command", metavar="CMD", nargs=argparse.REMAINDER, help="the program and its arguments")
    parser.epilog = "Every OTEL_* variable that is set already is left as it is."


def _run(arguments: argparse.Namespace) -> int:
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise UsageError("what shall run? For instance: quacktrace run -- python app.py")
    program = shutil.which(command[0]) or shutil.which(command[0], path=str(Path(sys.executable).parent))
    if program is None:
        raise UsageError(f"{command[0]}: no such program on PATH or beside {sys.executable}")
    environment = instrumented_environment(
        command, os.environ, service_name=arguments.service_name, endpoint=arguments.endpoint
    )
    sys.stdout.flush()
    try:
        # exec, so that signals, the exit status and the process id are the program's own.
        os.execve(program, command, environment)
    except OSError as error:
        raise QuacktraceError(f"{program} cannot be started: {error.strerror}") from error


COMMAND = Command(
    name="run", summary="run a program instrumented, without a change to it", add_arguments=_add_arguments, run=_run
)
