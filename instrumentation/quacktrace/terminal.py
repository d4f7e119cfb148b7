"""Text for a terminal: colour where a person looks, and no control characters from telemetry."""

from __future__ import annotations

import os
import re
import sys
from typing import TextIO

__all__ = ["BOLD", "DIM", "GREEN", "RED", "colour", "printable", "say_error"]

BOLD, DIM, RED, GREEN = "1", "2", "31", "32"


def colour(text: str, code: str, stream: TextIO | None = None) -> str:
    """`text` in the given SGR colour when `stream` (stdout) is a terminal and NO_COLOR is not set."""
    stream = sys.stdout if stream is None else stream
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return text
    return f"\x1b[{code}m{text}\x1b[0m"


# C0, DEL and C1 move the cursor or start escape sequences; the bidirectional controls reorder what stands around them.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """`text` on one line, control characters written as escapes: telemetry is anyone's text."""
    return _UNSAFE.sub(lambda match: _SHORT.get(match[0]) or _escaped(match[0]), text)


def say_error(program: str, message: str) -> None:
    """One line on stderr."""
    head = colour(f"{program}:", RED, sys.stderr)
    print(f"{head} {printable(message)}", file=sys.stderr)


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
