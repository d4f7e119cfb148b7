"""What failures have in common: messages without their variable parts, stack traces without all but their frames.

The SQL macro `error_groups` says the same in SQL; a test holds both against each other. In Python because sealing does
it, once a failure, and a statement of DuckDB's costs as much as 300 messages.
"""

from __future__ import annotations

import re
from typing import Final

_MOST_MESSAGE: Final = 2_000
_MOST_STACK: Final = 64_000
_MOST_FRAMES: Final = 200

# All that a KeyError says is the quoted key.
_ONLY_QUOTED: Final = re.compile(r"""'[^'\n]*'|"[^"\n]*\"""")
# RE2's \s and \S, which know no vertical tab.
_QUOTED: Final = re.compile(r"""(^|[\t\n\f\r (\[{=:,])(?:'[^'\n]*'|"[^"\n]*")""")
_IDS: Final = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{22}|\b0x[0-9a-fA-F]+\b|\b[0-9a-fA-F]{16,}\b", re.ASCII
)
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_FRAME: Final = re.compile(
    r'^[ \t]*(?:File "[^"\n]*", line [0-9]+, in [^\n]*|at [^\n]*|[^\t\n\f\r ]+\.go:[0-9]+[^\n]*)$', re.MULTILINE
)


def common_message(message: str) -> str:
    """Numbers as ‹n›, ids and quoted texts as ‹…›; a quote counts only where a word cannot go on, as in "can't".

    The order of the replacements matters: the most specific first.
    """
    message = message[:_MOST_MESSAGE]
    if not _ONLY_QUOTED.fullmatch(message):
        message = _QUOTED.sub(r"\1‹…›", message)
    return _NUMBER.sub("‹n›", _IDS.sub("‹…›", message))


def stack_lines(stack: str) -> str:
    """The lines of a stack trace that name a place."""
    return "\n".join(_FRAME.findall(stack[:_MOST_STACK])[:_MOST_FRAMES])
