"""Guess what a service is called from the command that starts it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["guess_service_name"]

# A file or module of this name says nothing; the folder or package around it does.
NONDESCRIPT = frozenset(
    {"__init__", "__main__", "app", "application", "asgi", "index", "main", "manage", "run", "server", "wsgi"}
)
# What these run is named by an argument: `flask --app shop run`, `gunicorn shop.wsgi:app`, `celery -A shop worker`.
APP_OPTIONS = ("--app", "-A")
LAUNCHERS = frozenset({"flask", "gunicorn", "uvicorn", "hypercorn", "granian", "daphne", "waitress-serve", "celery"})


def guess_service_name(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """The name of the script or module that `command` runs, in the words of whoever wrote it; never empty."""
    program = Path(command[0]).name
    arguments = list(command[1:])
    if re.fullmatch(r"python[\d.]*|pypy[\d.]*", program):
        program, arguments = _script_or_module(arguments)
    if Path(program).stem in LAUNCHERS:
        named = _named_app(arguments) or environ.get("FLASK_APP")
        program = named if named else str(Path.cwd() / "app.py")
    return _descriptive(program) or "unknown_service"


def _script_or_module(arguments: list[str]) -> tuple[str, list[str]]:
    """What a Python command line runs, and its arguments: the option values of `-W` and `-X` are not the script."""
    rest = iter(enumerate(arguments))
    for index, argument in rest:
        if argument == "-m" and index + 1 < len(arguments):
            return arguments[index + 1], arguments[index + 2 :]
        if argument.startswith("-m") and len(argument) > 2:
            return argument[2:], arguments[index + 1 :]
        if argument == "-c":
            return "python", []
        if argument in ("-W", "-X"):
            next(rest, None)
        elif not argument.startswith("-"):
            return argument, arguments[index + 1 :]
    return "python", []


def _named_app(arguments: list[str]) -> str | None:
    for index, argument in enumerate(arguments):
        option, _, value = argument.partition("=")
        if option in APP_OPTIONS:
            return value or next(iter(arguments[index + 1 :]), None)
    return next((argument for argument in arguments if re.fullmatch(r"[\w./]+:[\w.]+(\(.*\))?", argument)), None)


def _descriptive(target: str) -> str:
    """`shop/payments.py`, `shop.payments:app` and `payments` are all `payments`."""
    target = re.sub(r":[\w.]+(\(.*\))?$", "", target)
    if "/" in target or target.endswith((".py", ".pyz", ".sh")):
        parts = [*Path(target).absolute().parts[1:-1], Path(target).stem]
    else:
        parts = [*Path.cwd().parts[1:], *target.split(".")]
    return next((part for part in reversed(parts) if part not in NONDESCRIPT), "")
