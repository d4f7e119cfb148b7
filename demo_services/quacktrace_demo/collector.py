"""The collector beside the shop: `quacktrace up` in its own process, given the options that demo shares with it."""

from __future__ import annotations

import argparse
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quacktrace.commands import load_command

__all__ = ["CollectorAddresses", "CollectorOptions", "add_shared_arguments", "read_announcement", "read_options"]


@dataclass(frozen=True)
class CollectorAddresses:
    """Where the collector answers."""

    url: str
    """The dashboard, OTLP/HTTP and the API."""
    grpc_address: str


@dataclass(frozen=True)
class CollectorOptions:
    """How to start the collector, and how services get in."""

    command: tuple[str, ...]
    write_token: str | None = None
    tls_cert: str | None = None

    def exporter(self, addresses: CollectorAddresses) -> dict[str, str]:
        """The `OTEL_*` variables that make a service send its telemetry there."""
        reachable = addresses.url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": reachable, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
        if self.tls_cert:
            variables["OTEL_EXPORTER_OTLP_CERTIFICATE"] = self.tls_cert
        if self.write_token:
            variables["OTEL_EXPORTER_OTLP_HEADERS"] = f"authorization=Bearer%20{self.write_token}"
        return variables


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


def read_options(arguments: argparse.Namespace, data: Path) -> CollectorOptions:
    """The options in `arguments`, to be passed on; the collector reads its own variables from the environment."""
    passed_on = argparse.Namespace(**{**vars(arguments), "data_dir": data, "no_browser": True})
    return CollectorOptions(
        command=(sys.executable, "-m", "quacktrace", "up", *_flags(passed_on)),
        write_token=arguments.write_token or os.environ.get("QUACKTRACE_WRITE_TOKEN"),
        tls_cert=arguments.tls_cert or os.environ.get("QUACKTRACE_TLS_CERT"),
    )


def read_announcement(text: str) -> CollectorAddresses | None:
    """The addresses in what `quacktrace up` prints once it answers; None before that.

    Asking `/readyz` is no way to know: on a port that is taken, someone else's collector would answer for ours.
    """
    http = re.search(r"^ *OTLP/HTTP +(\S+)$", text, re.MULTILINE)
    grpc = re.search(r"^ *OTLP/gRPC +(\S+)$", text, re.MULTILINE)
    return CollectorAddresses(http[1], grpc[1]) if http and grpc else None


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
