"""Ids as people paste them."""

from __future__ import annotations

import re
from typing import Final

from quacktrace_collector.errors import BadRequestError

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?", re.ASCII | re.DOTALL)
_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHORT_TRACE_ID: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)
_SPAN_ID: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)


def parse_trace_id(text: str) -> str:
    """32 lower-case hex digits from those in any case, a UUID with dashes, a 64-bit id or a whole traceparent."""
    lowered = text.strip().lower()
    traceparent = _TRACEPARENT.fullmatch(lowered)
    if traceparent:
        return traceparent[1]
    plain = lowered.replace("-", "").removeprefix("0x")
    if _SHORT_TRACE_ID.fullmatch(plain):
        plain = plain.rjust(32, "0")
    if not _TRACE_ID.fullmatch(plain):
        raise BadRequestError(f"{text[:80]!r} is not a trace id", hint="32 hex digits, or a whole traceparent")
    return plain


def parse_span_id(text: str) -> str:
    """16 lower-case hex digits."""
    plain = text.strip().lower().replace("-", "").removeprefix("0x")
    if not _SPAN_ID.fullmatch(plain):
        raise BadRequestError(f"{text[:40]!r} is not a span id", hint="16 hex digits")
    return plain
