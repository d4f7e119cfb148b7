"""The collector beside the shop: `quacktrace up` in its own process, given the options that demo shares with it."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quacktrace.commands import load_command
from quacktrace.errors import UsageError

__all__ = ["CollectorOptions", "add_shared_arguments", "read_collector_options"]


@dataclass(frozen=True)
class CollectorOptions:
    """How to start the collector, and how to reach it."""

    command: tuple[str, ...]
    url: str
    """The dashboard, OTLP/HTTP and the API."""
    grpc_address: str
    exporter: Mapping[str, str]
    """The `OTEL_*` variables that make a service send its telemetry there."""


class _Recorder(argparse.ArgumentParser):
    """A parser that remembers what was added to it."""

    def __init__(self) -> None:
        self.added: list[argparse.Action] = []
        super().__init__(add_help=False)

    def add_argument(self, *names: Any, **kwargs: Any) -> argparse.Action:
        action = super().add_argument(*names, **kwargs)
        self.added.append(action)
        return action


def add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    """Every option of `quacktrace up`."""
    load_command("up").add_arguments(parser)


def read_collector_options(arguments: argparse.Namespace, data: Path) -> CollectorOptions:
    """The options in `arguments`, passed on; a port given as 0 becomes a free one here, so that services know it."""
    host = str(arguments.host or os.environ.get("QUACKTRACE_HOST") or "127.0.0.1")
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    arguments.data_dir, arguments.no_browser = str(data), True
    arguments.port = _port(arguments.port, "QUACKTRACE_HTTP_PORT", 4318, reachable)
    arguments.grpc_port = _port(arguments.grpc_port, "QUACKTRACE_GRPC_PORT", 4317, reachable)
    scheme = "https" if arguments.tls_cert or os.environ.get("QUACKTRACE_TLS_CERT") else "http"
    authority = f"[{reachable}]" if ":" in reachable else reachable
    url = f"{scheme}://{authority}:{arguments.port}"
    exporter = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    if scheme == "https":
        exporter["OTEL_EXPORTER_OTLP_CERTIFICATE"] = str(arguments.tls_cert or os.environ["QUACKTRACE_TLS_CERT"])
    if token := arguments.write_token or os.environ.get("QUACKTRACE_WRITE_TOKEN"):
        exporter["OTEL_EXPORTER_OTLP_HEADERS"] = f"authorization=Bearer%20{token}"
    return CollectorOptions(
        command=(sys.executable, "-m", "quacktrace", "up", *_flags(arguments)),
        url=url,
        grpc_address=f"{authority}:{arguments.grpc_port}",
        exporter=exporter,
    )


def _flags(arguments: argparse.Namespace) -> list[str]:
    recorder = _Recorder()
    add_shared_arguments(recorder)
    flags: list[str] = []
    for action in recorder.added:
        value = getattr(arguments, action.dest)
        if value is True:
            flags.append(action.option_strings[-1])
        elif value is not None and value is not False:
            flags += [action.option_strings[-1], str(value)]
    return flags


def _port(given: str | None, variable: str, default: int, host: str) -> str:
    text = given or os.environ.get(variable) or str(default)
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"{text!r} is not a port: a number from 1 to 65535, or 0 for a free one")
    if int(text) != 0:
        return text
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as free:
        free.bind((host, 0))
        return str(free.getsockname()[1])
