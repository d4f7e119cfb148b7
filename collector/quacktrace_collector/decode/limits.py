"""Limits of one span or log record, and how text beyond them is cut."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.decode.arrow_views import Array, lengths_of

MAX_ATTRIBUTES: Final = 128
MAX_EVENTS: Final = 128
MAX_LINKS: Final = 128
MAX_VALUE_BYTES: Final = 32 << 10
MAX_NAME_BYTES: Final = 1 << 10
MAX_KEY_BYTES: Final = 256
MAX_SERVICE_NAME_BYTES: Final = 256

TRUNCATION_MARKER: Final = "…[truncated]"
_MARKER: Final = TRUNCATION_MARKER.encode()

MAX_TIME_NS: Final = (1 << 63) - 2
"""2^63 - 1 is DuckDB's TIMESTAMP_NS 'infinity'."""


def cut_utf8(text: bytes, limit: int) -> bytes:
    """At most `limit` bytes of valid UTF-8; what was cut ends in TRUNCATION_MARKER."""
    if len(text) <= limit:
        return text
    end = limit - len(_MARKER)
    while text[end] & 0xC0 == 0x80:
        end -= 1
    return text[:end] + _MARKER


def cut_text(text: str, limit: int) -> str:
    """`cut_utf8` for a str."""
    if len(text) * 4 <= limit:
        return text
    return cut_utf8(text.encode(), limit).decode()


def cut_strings(texts: Array, limit: int, normalised: Counter[str]) -> Array:
    """The same strings, those beyond `limit` bytes cut and counted."""
    lengths = lengths_of(texts)
    if len(lengths) == 0 or lengths.max() <= limit:
        return texts
    too_long = lengths > limit
    normalised["truncated"] += int(np.count_nonzero(too_long))
    long_texts = texts.filter(pa.array(too_long)).cast(pa.binary())
    cut = pa.array([cut_utf8(text.as_buffer().to_pybytes(), limit).decode() for text in long_texts], pa.string())
    return pc.replace_with_mask(texts, pa.array(too_long), cut)
