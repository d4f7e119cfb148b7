"""A snapshot as a worker needs it: the feeds with their committed lengths, and the SQL of the two relations."""

from __future__ import annotations

from typing import Any

from quacktrace_collector.sql.feeds import EMPTY_RELATIONS, relation_name
from quacktrace_collector.store.snapshot import Feed, FeedFile, Snapshot
from quacktrace_collector.store.views import Kind, hot_relation, sealed_relation

__all__ = ["snapshot_header"]


def snapshot_header(snapshot: Snapshot) -> dict[str, Any]:
    """What JSON can hold of the snapshot."""
    return {
        "feeds": [
            {
                "id": feed.generation_id,
                "spans": _file(feed.spans),
                "origins": _file(feed.origins),
                "logs": _file(feed.logs),
            }
            for feed in snapshot.feeds
        ],
        "segments": [
            [
                segment.segment_id,
                segment.span_count,
                segment.log_count,
                segment.size_bytes,
                segment.first_start_ns,
                segment.last_start_ns,
                segment.first_received_ns,
                segment.last_received_ns,
            ]
            for segment in snapshot.segments
        ],
        "relations": {kind: _relation(kind, snapshot) for kind in ("spans", "logs")},
    }


def _file(file: FeedFile) -> list[str | int]:
    return [str(file.path), file.length]


def _relation(kind: Kind, snapshot: Snapshot) -> str:
    parts = [_hot(kind, feed) for feed in snapshot.feeds]
    files = [path for segment in snapshot.segments if (path := segment.file(kind, None)) is not None]
    if files:
        parts.append(sealed_relation(kind, files))
    # Without any data there are still columns.
    parts = parts or [hot_relation(kind, EMPTY_RELATIONS[kind], EMPTY_RELATIONS["origins"])]
    return " union all ".join(parts)


def _hot(kind: Kind, feed: Feed) -> str:
    return hot_relation(kind, relation_name(kind, feed.generation_id), relation_name("origins", feed.generation_id))
