"""`quacktrace up`: the collector and its dashboard, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import webbrowser
from typing import TYPE_CHECKING

from quacktrace.commands import Command
from quacktrace.errors import QuacktraceError
from quacktrace.terminal import BOLD, DIM, colour
from quacktrace_collector.settings import Settings, add_setting_arguments, read_settings

if TYPE_CHECKING:
    from quacktrace_collector.app import Addresses

__all__ = ["COMMAND"]


def _run(arguments: argparse.Namespace) -> int:
    settings = read_settings(arguments, os.environ)
    # gRPC's core writes lines of its own to stderr, for instance when its port is taken.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")

    from quacktrace_collector.app import serve
    from quacktrace_collector.errors import StartupError

    def announce(addresses: Addresses) -> None:
        print(_announcement(addresses, settings), flush=True)
        if settings.open_browser and _has_display():
            # A browser that has to be started first may take seconds to return.
            threading.Thread(target=webbrowser.open, args=(addresses.http_url,), daemon=True).start()

    try:
        return serve(settings, on_ready=announce)
    except StartupError as error:
        raise QuacktraceError(f"{error.message}: {error.hint}" if error.hint else error.message) from error


def _announcement(addresses: Addresses, settings: Settings) -> str:
    rows = (
        ("dashboard", addresses.http_url),
        ("OTLP/HTTP", addresses.http_url),
        ("OTLP/gRPC", addresses.grpc_address),
        ("API and SQL", f"{addresses.http_url}/api/v1"),
        ("data", str(settings.data_dir)),
    )
    lines = [f"{colour('quacktrace is up', BOLD)}{colour(', Ctrl-C stops it', DIM)}"]
    return "\n".join(lines + [f"  {label:<12} {value}" for label, value in rows])


def _has_display() -> bool:
    """Whether a browser could show itself: over ssh or in a container, `webbrowser` would start a text browser."""
    if not sys.stdout.isatty():
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


COMMAND = Command(
    name="up",
    summary="start the collector and the dashboard",
    add_arguments=add_setting_arguments,
    run=_run,
    extra="collector",
    modules=("aiohttp", "duckdb", "grpc", "numpy", "orjson", "platformdirs", "ptars", "pyarrow"),
)
