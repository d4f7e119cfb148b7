"""Start the stock OpenTelemetry distro inside a program that did not ask for it, and keep out of that program's way."""

from __future__ import annotations

import atexit
import os

from quacktrace.exit import give_up_when_unreachable
from quacktrace.quiet import keep_console_logging, say_seldom

__all__ = ["start"]


def start(bootstrap: str) -> None:
    """Load the distro, its configurator and every instrumentation that fits; `bootstrap` is the folder on PYTHONPATH.

    Whatever the instrumentations start while they load must not be instrumented in its turn, without end.
    """
    from opentelemetry.instrumentation.auto_instrumentation import initialize

    path = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(entry for entry in path.split(os.pathsep) if entry != bootstrap)
    try:
        initialize()
    finally:
        os.environ["PYTHONPATH"] = path
    keep_console_logging()
    say_seldom()
    # Handlers run last in, first out: this one before the SDK's own, which would wait for the retries to end.
    atexit.register(give_up_when_unreachable)
