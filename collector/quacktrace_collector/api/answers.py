"""JSON answers, encoded and compressed where the query ran, off the event loop."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

# Level 1: span ids are random, so more effort buys 2 % for three times the time.
_LEVEL: Final = 1
_SMALLEST_TO_COMPRESS: Final = 1_000


def encode(answer: Mapping[str, Any], *, accept_encoding: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers."""
    body = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    headers = {
        hdrs.CONTENT_TYPE: "application/json",
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
        hdrs.CACHE_CONTROL: "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if len(body) >= _SMALLEST_TO_COMPRESS and accepts_gzip(accept_encoding):
        body = gzip.compress(body, compresslevel=_LEVEL, mtime=0)
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    return body, headers


def accepts_gzip(accept_encoding: str) -> bool:
    """`gzip` or `*` is named and not refused by `q=0`."""
    for offer in accept_encoding.lower().replace(" ", "").split(","):
        coding, _, quality = offer.partition(";q=")
        if coding in ("gzip", "x-gzip", "*"):
            return quality.strip("0.") != "" or not quality
    return False


def json_answer(answer: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """A small answer, not compressed."""
    body, headers = encode(answer, accept_encoding="")
    return web.Response(body=body, status=status, headers=headers)
