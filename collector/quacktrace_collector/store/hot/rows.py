"""The rows of a hot generation as Arrow tables, decoded from its feed when somebody asks for them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.feed_reader import FeedReader
from quacktrace_collector.store.snapshot import Feed


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one kind with the origins that they refer to."""

    rows: pa.Table
    origins: pa.Table

    def of_traces(self, trace_ids: Sequence[str]) -> Rows:
        """Only those of these traces: DuckDB would convert every column of every row before it compares."""
        wanted = pa.array(trace_ids, pa.string())
        kept = []
        for batch in self.rows.to_batches():
            found = np.flatnonzero(pc.is_in(batch.column("trace_id"), value_set=wanted).to_numpy(zero_copy_only=False))
            if len(found):
                kept.append(batch.take(found))
        return Rows(pa.Table.from_batches(kept, self.rows.schema), self.origins)


class HotRows:
    """Reads a growing feed; thread-safe. A generation that nobody asks for costs no memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers: dict[str, FeedReader] = {}

    def read(self, kind: str, feed: Feed) -> Rows:
        """At least what the feed held when it was described."""
        with self._lock:
            rows = self._read_to(kind, feed)
            # Rows that another reader saw earlier may be newer than this feed, and so are their origins then.
            return Rows(rows, self._read_to("origins", feed))

    def close(self) -> None:
        """Forget the rows."""
        with self._lock:
            for reader in self._readers.values():
                reader.close()
            self._readers.clear()

    def _read_to(self, kind: str, feed: Feed) -> pa.Table:
        file = {"spans": feed.spans, "logs": feed.logs, "origins": feed.origins}[kind]
        reader = self._readers.setdefault(kind, FeedReader(file.path, kind))
        reader.read_to(file.length)
        return reader.table()
