"""The relations of a worker's connection over the feeds of hot generations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from quacktrace_collector.feed_reader import FEED_SCHEMAS, FeedReader, RecordBatches

__all__ = ["EMPTY_RELATIONS", "Feeds", "relation_name"]

EMPTY_RELATIONS: Final[Mapping[str, str]] = {kind: f"_empty_{kind}" for kind in FEED_SCHEMAS}


def relation_name(kind: str, generation_id: int) -> str:
    """The relation under which a generation's rows of this kind are registered."""
    return f"_feed_{kind}_{generation_id}"


class Registry(Protocol):
    """The part of a DuckDB connection that feeds need."""

    def register(self, view_name: str, python_object: object) -> object:
        """Make an Arrow object readable under a name."""

    def unregister(self, view_name: str) -> object:
        """Forget the name."""


class Feeds:
    """Keeps the relations of a connection equal to the feeds of the snapshot it was last given."""

    def __init__(self, connection: Registry) -> None:
        self._connection = connection
        self._readers: dict[str, FeedReader] = {}
        self._registered: set[str] = set()
        for kind, schema in FEED_SCHEMAS.items():
            connection.register(EMPTY_RELATIONS[kind], RecordBatches(schema.empty_table()))

    def refresh(self, feeds: Iterable[Mapping[str, Any]]) -> None:
        """Read what is new, forget generations that are gone. A feed is `{"id": 1, "spans": [path, length], …}`."""
        seen: set[str] = set()
        for feed in feeds:
            for kind in FEED_SCHEMAS:
                path, length = feed[kind]
                name = relation_name(kind, feed["id"])
                seen.add(name)
                reader = self._readers.get(name)
                if reader is None or reader.path != path:
                    reader = self._readers[name] = FeedReader(path, kind)
                    self._registered.discard(name)
                if reader.read_to(length) or name not in self._registered:
                    self._connection.register(name, RecordBatches(reader.table()))
                    self._registered.add(name)
        for name in self._readers.keys() - seen:
            self._connection.unregister(name)
            self._registered.discard(name)
            self._readers.pop(name).close()
