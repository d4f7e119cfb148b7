"""Retention: whole segments go, oldest first, by age of arrival and by total size."""

from __future__ import annotations

from collections.abc import Sequence

from quacktrace_collector.store.snapshot import Segment


def expired(
    segments: Sequence[Segment], *, now_ns: int, retention_ns: int | None, max_size_bytes: int | None
) -> list[Segment]:
    """The segments to delete: received longer ago than `retention_ns`, then the oldest until the rest fits.

    Age counts from arrival, so an old trace that was imported today stays.
    """
    doomed = [
        segment for segment in segments if retention_ns is not None and segment.last_received_ns < now_ns - retention_ns
    ]
    kept = [segment for segment in segments if segment not in doomed]
    size = sum(segment.size_bytes for segment in kept)
    for segment in kept:
        if max_size_bytes is None or size <= max_size_bytes:
            break
        doomed.append(segment)
        size -= segment.size_bytes
    return doomed
