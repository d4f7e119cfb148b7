"""The `quacktrace` command line: finds subcommands by entry points, and says in one line why one cannot go on."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from quacktrace import __version__
from quacktrace.commands import Command, command_names, load_command
from quacktrace.errors import MissingExtraError, QuacktraceError
from quacktrace.terminal import BOLD, colour, say_error

__all__ = ["main"]

INTERRUPTED = 130
BROKEN_PIPE = 141
DESCRIPTION = "Distributed tracing in one command: OpenTelemetry in, DuckDB inside, answers on a page."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status; a usage error of argparse leaves by SystemExit(2)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    program = "quacktrace"
    try:
        if not arguments or arguments[0] in ("-h", "--help", "help"):
            print(_overview())
            return 0
        if arguments[0] in ("-V", "--version"):
            print(f"quacktrace {__version__}")
            return 0
        if not arguments[0].startswith("-"):
            program = f"quacktrace {arguments[0]}"
        return _run(load_command(arguments[0]), arguments[1:])
    except QuacktraceError as error:
        say_error(program, str(error))
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`quacktrace sql … | head`): without this the interpreter complains again while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(command: Command, arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog=f"quacktrace {command.name}", description=_sentence(command.summary))
    command.add_arguments(parser)
    parsed = parser.parse_args(arguments)
    command.check_installed()
    status = command.run(parsed)
    sys.stdout.flush()
    return status


def _overview() -> str:
    names = command_names()
    width = max(map(len, names), default=0)
    lines = [f"usage: {colour('quacktrace', BOLD)} COMMAND …", "", DESCRIPTION, "", "commands:"]
    lines += [f"  {colour(name.ljust(width), BOLD)}  {_summary(name)}" for name in names]
    lines += ["", "`quacktrace COMMAND --help` tells a command's options; `quacktrace --version` the version."]
    return "\n".join(lines)


def _summary(name: str) -> str:
    try:
        command = load_command(name)
        command.check_installed()
    except MissingExtraError as error:
        return f'{command.summary} (needs pip install "quacktrace[{error.extra}]")'
    except QuacktraceError as error:
        return str(error)
    return command.summary


def _sentence(summary: str) -> str:
    return summary[:1].upper() + summary[1:] + "."
