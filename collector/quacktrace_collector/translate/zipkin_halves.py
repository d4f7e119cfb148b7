"""One span id, two spans: Zipkin lets a server join its client's span, OpenTelemetry gives each an id of its own.

The client half keeps the id. The server half gets one that follows from trace id and span id, and the client half as
its parent; spans that name the shared id as their parent and come from the server's service become its children.
Only what was received together is seen: a child that came before its server half in another request stays with the
client half.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from quacktrace_collector.translate.json_values import derived_id
from quacktrace_collector.translate.zipkin_spans import Endpoint, ZipkinSpan

_SpanKey = tuple[bytes, bytes]

UNFINISHED: Final = ("quacktrace.span.state", "open")
"""Says of a fragment whose span has not come yet that the span replaces it."""


def separate_halves(reported: Sequence[ZipkinSpan]) -> list[ZipkinSpan]:
    """The spans with fragments merged into what they belong to, and no id shared by a client and a server."""
    by_id: defaultdict[_SpanKey, list[ZipkinSpan]] = defaultdict(list)
    for span in reported:
        by_id[span.trace_id, span.span_id].append(span)
    merged = {key: _merged(spans) for key, spans in by_id.items()}
    servers = {key: found for key, spans in merged.items() if (found := _joined_servers(spans))}
    for spans in merged.values():
        for span in spans:
            parent = (span.trace_id, span.parent_id)
            if parent in servers and _is_below_server(span, servers[parent], merged[parent]):
                span.parent_id = _server_id(parent)
    for key, halves in servers.items():
        for half in halves:
            half.parent_id, half.span_id = key[1], _server_id(key)
    return [span for spans in merged.values() for span in spans]


def _server_id(key: _SpanKey) -> bytes:
    return derived_id("zipkin server", *key)


def _merged(spans: list[ZipkinSpan]) -> list[ZipkinSpan]:
    """Each span once: fragments go to the half of their own service, reports that complete each other become one."""
    if len(spans) == 1:
        if spans[0].is_fragment:
            spans[0].tags.setdefault(*UNFINISHED)
        return spans
    whole: list[ZipkinSpan] = []
    for span in sorted(spans, key=lambda span: span.is_fragment):
        target = next((other for other in whole if _completes(span, other)), None)
        if target is None and span.is_fragment and whole:
            target = whole[0]
        if target is None:
            whole.append(span)
        else:
            _add(span, target)
    return whole


def _completes(span: ZipkinSpan, other: ZipkinSpan) -> bool:
    if span.local.service_name != other.local.service_name:
        return False
    if span.is_fragment:
        return True
    return (
        span.kind == other.kind
        and span.is_shared == other.is_shared
        and (None in (span.timestamp_us, other.timestamp_us) or span.timestamp_us == other.timestamp_us)
        and (None in (span.duration_us, other.duration_us) or span.duration_us == other.duration_us)
    )


def _add(span: ZipkinSpan, target: ZipkinSpan) -> None:
    target.name = target.name or span.name
    target.parent_id = target.parent_id or span.parent_id
    target.timestamp_us = span.timestamp_us if target.timestamp_us is None else target.timestamp_us
    target.duration_us = span.duration_us if target.duration_us is None else target.duration_us
    target.remote = span.remote if target.remote == Endpoint() else target.remote
    target.local = span.local if target.local == Endpoint() else target.local
    target.is_debug = target.is_debug or span.is_debug
    target.tags = {**span.tags, **target.tags}
    target.annotations += [annotation for annotation in span.annotations if annotation not in target.annotations]


def _joined_servers(spans: list[ZipkinSpan]) -> list[ZipkinSpan]:
    """Server halves: they say that the id is shared, or stand beside a client with the same one."""
    has_client = any(span.kind == "CLIENT" for span in spans)
    return [span for span in spans if span.is_shared or (has_client and span.kind == "SERVER")]


def _is_below_server(span: ZipkinSpan, servers: list[ZipkinSpan], halves: list[ZipkinSpan]) -> bool:
    """True unless the span comes from the client's service, and that is not the server's too."""
    service = span.local.service_name
    if any(server.local.service_name == service for server in servers):
        return True
    return not any(half.local.service_name == service for half in halves)
