"""Zipkin's v2 spans as they were reported, before the two halves of a shared id are told apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from quacktrace_collector.translate.json_values import (
    SPAN_ID_BYTES,
    TRACE_ID_BYTES,
    TranslationError,
    an_object,
    any_text,
    hex_id,
    microseconds,
    objects,
    port,
    storable,
    text,
)

KINDS: Final = ("CLIENT", "SERVER", "PRODUCER", "CONSUMER")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One side of a call."""

    service_name: str = ""
    address: str = ""
    port: int = 0


@dataclass(slots=True)
class ZipkinSpan:
    """One reported object; filled up with what else was reported of the same span."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    kind: str
    """'' when none was given."""
    is_shared: bool
    is_debug: bool
    name: str
    timestamp_us: int | None
    duration_us: int | None
    local: Endpoint
    remote: Endpoint
    tags: dict[str, str] = field(default_factory=dict)
    annotations: list[tuple[int, str]] = field(default_factory=list)
    """(microseconds, value)."""

    @property
    def is_fragment(self) -> bool:
        """A late addition to a span that is reported elsewhere: it has neither kind nor time."""
        return not self.kind and self.timestamp_us is None


def read_spans(document: Any) -> list[ZipkinSpan]:
    """The spans of a v2 list.

    Raises:
        TranslationError: it is no such list.
    """
    if document is None:
        raise TranslationError("the body: an array is expected, not null")
    return [_read(entry, place) for place, entry in objects(document, "")]


def _read(entry: dict[str, Any], place: str) -> ZipkinSpan:
    span_id = hex_id(entry.get("id"), SPAN_ID_BYTES)
    parent_id = hex_id(entry.get("parentId"), SPAN_ID_BYTES)
    kind = text(entry, "kind", place)
    if kind and kind not in KINDS:
        raise TranslationError(f"{place}.kind: one of {', '.join(KINDS)} is expected")
    return ZipkinSpan(
        trace_id=hex_id(entry.get("traceId"), TRACE_ID_BYTES),
        span_id=span_id,
        parent_id=b"" if parent_id == span_id or (not any(parent_id) and len(parent_id) > 1) else parent_id,
        kind=kind,
        is_shared=_flag(entry, "shared", place),
        is_debug=_flag(entry, "debug", place),
        name=text(entry, "name", place),
        timestamp_us=microseconds(entry, "timestamp", place) or None,
        duration_us=microseconds(entry, "duration", place),
        local=_endpoint(entry, "localEndpoint", place),
        remote=_endpoint(entry, "remoteEndpoint", place),
        tags={storable(key): any_text(value) for key, value in an_object(entry, "tags", place).items()},
        annotations=[
            (microseconds(annotation, "timestamp", here) or 0, text(annotation, "value", here))
            for here, annotation in objects(entry.get("annotations"), f"{place}.annotations")
        ],
    )


def _endpoint(entry: dict[str, Any], key: str, place: str) -> Endpoint:
    endpoint = an_object(entry, key, place)
    here = f"{place}.{key}"
    address = text(endpoint, "ipv4", here) or text(endpoint, "ipv6", here)
    return Endpoint(text(endpoint, "serviceName", here), address, port(endpoint))


def _flag(entry: dict[str, Any], key: str, place: str) -> bool:
    value = entry.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise TranslationError(f"{place}.{key}: true or false is expected")
