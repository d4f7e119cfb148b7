"""The first thing that a Python under `quacktrace run` imports: starts the instrumentation, never stops the program.

Kept to what Python 3.6 understands, for the program may belong to an interpreter that has no quacktrace.
"""

import importlib.machinery
import importlib.util
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))


def run_shadowed_sitecustomize() -> None:
    """Run the sitecustomize that stands behind this one on sys.path, for instance the distribution's own."""
    path = [entry for entry in sys.path if os.path.abspath(entry) != FOLDER]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def start_quacktrace() -> None:
    """Start the instrumentation, or say in one line why this program runs without it."""
    try:
        from quacktrace.autostart import start
    except ImportError as error:
        # Only for the program that was named: what it starts may well belong to another environment.
        if os.environ.get("QUACKTRACE_RUN_PID") == str(os.getpid()):
            sys.stderr.write(
                f"quacktrace: no traces from this program: {sys.executable} cannot import quacktrace ({error});"
                f" try {sys.executable} -m pip install quacktrace\n"
            )
        return
    start(FOLDER)


run_shadowed_sitecustomize()
start_quacktrace()
