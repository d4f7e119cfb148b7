"""A subcommand of `quacktrace`, and how the command line finds one: entry points of the group `quacktrace.commands`."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points

from quacktrace.errors import MissingExtraError, QuacktraceError, UsageError

__all__ = ["GROUP", "Command", "command_names", "load_command"]

GROUP = "quacktrace.commands"


@dataclass(frozen=True)
class Command:
    """What an entry point names: light to import, so that `--help` lists it even where its extra is not installed."""

    name: str
    summary: str
    """A few words for the list of commands, lower case."""
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    """Returns the exit status; raises QuacktraceError for what one line can say."""
    extra: str | None = None
    """The extra that `modules` come with."""
    modules: tuple[str, ...] = ()
    """Top-level modules without which `run` cannot work."""

    def check_installed(self) -> None:
        """Raise MissingExtraError when a module that the command needs is absent."""
        if self.extra and any(importlib.util.find_spec(module) is None for module in self.modules):
            raise MissingExtraError(f"What `quacktrace {self.name}` needs", self.extra)


def command_names() -> tuple[str, ...]:
    """Names of the installed subcommands, in alphabetical order."""
    return tuple(sorted({entry_point.name for entry_point in entry_points(group=GROUP)}))


def load_command(name: str) -> Command:
    """The subcommand called `name`; another component's is used this way too, never by importing it."""
    for entry_point in entry_points(group=GROUP, name=name):
        try:
            command: Command = entry_point.load()
        except ImportError as error:
            raise QuacktraceError(f"`quacktrace {name}` cannot be loaded: {error}") from error
        return command
    raise UsageError(f"there is no command {name!r}; there are: {', '.join(command_names())}")
