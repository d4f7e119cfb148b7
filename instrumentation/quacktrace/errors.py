"""What can go wrong for someone who types a command.

QuacktraceError          one line on stderr, exit status 1
├── UsageError           the command line or the environment has to change, exit status 2
└── MissingExtraError    an optional part is not installed, exit status 2
"""

from __future__ import annotations

__all__ = ["MissingExtraError", "QuacktraceError", "UsageError"]


class QuacktraceError(Exception):
    """The command cannot go on; the message is one line that says what happened and what to do."""

    exit_status = 1


class UsageError(QuacktraceError):
    """An option, an argument or a variable is wrong."""

    exit_status = 2


class MissingExtraError(QuacktraceError):
    """The command belongs to an extra that is not installed here."""

    exit_status = 2

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} is not installed: pip install "quacktrace[{extra}]"')
        self.extra = extra
