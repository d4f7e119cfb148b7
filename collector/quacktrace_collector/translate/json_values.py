"""Values of foreign JSON, each with the error that says where it is wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

INVALID_ID: Final = b"\0"
"""Stands for an id that cannot be one: of a length that no id has, so that its span is refused, not its request."""
TRACE_ID_BYTES: Final = 16
SPAN_ID_BYTES: Final = 8
MAX_TIME_US: Final = ((1 << 64) - 1) // 2000
"""A start and a duration of it fit fixed64 nanoseconds together; what is too late for the store is refused there."""


class TranslationError(ValueError):
    """JSON that is not what it was taken for; the message says where."""


def objects(value: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, object) of each entry of a list of objects; None is an empty list."""
    if value is not None and not isinstance(value, list):
        raise TranslationError(f"{place or 'the body'}: an array is expected")
    for index, item in enumerate(value or ()):
        here = f"{place}[{index}]"
        if not isinstance(item, dict):
            raise TranslationError(f"{here}: an object is expected")
        yield here, item


def an_object(holder: dict[str, Any], key: str, place: str) -> dict[str, Any]:
    """The object under `key`; empty when it is absent."""
    value = holder.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TranslationError(f"{place}.{key}: an object is expected")
    return value


def text(holder: dict[str, Any], key: str, place: str) -> str:
    """The text under `key`; '' when it is absent."""
    value = holder.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TranslationError(f"{place}.{key}: a string is expected")
    return storable(value)


def microseconds(holder: dict[str, Any], key: str, place: str) -> int | None:
    """A time or duration in whole microseconds; None when it is absent."""
    value = holder.get(key)
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_TIME_US:
        raise TranslationError(f"{place}.{key}: microseconds are expected, from 0 to {MAX_TIME_US}")
    return value


def port(holder: dict[str, Any]) -> int:
    """The port of an endpoint; 0 for none."""
    value = holder.get("port")
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536 else 0


def hex_id(value: Any, size: int) -> bytes:
    """An id of `size` bytes from hex digits, of which the leading zeros may be left out; b"" when it is absent."""
    if value is None or value == "":
        return b""
    if not isinstance(value, str) or len(value) > 2 * size or not value.isascii() or not value.isalnum():
        return INVALID_ID
    try:
        return bytes.fromhex(value.rjust(2 * size, "0"))
    except ValueError:
        return INVALID_ID


def derived_id(purpose: str, *parts: bytes) -> bytes:
    """A span id that follows from other ids, so that the same span sent again is the same row."""
    digest = hashlib.blake2b(digest_size=SPAN_ID_BYTES, person=purpose.encode())
    for part in parts:
        digest.update(part)
    return digest.digest()


def any_text(value: Any) -> str:
    """A tag's value: itself when it is text, else its JSON."""
    return storable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def storable(value: str) -> str:
    """Without lone surrogates, which no protobuf holds."""
    if value.isascii():
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
