"""Hot generations in DuckDB and sealed Parquet segments, behind one relation per signal."""

from __future__ import annotations

from quacktrace_collector.store.instance import AppendResult
from quacktrace_collector.store.snapshot import Feed, FeedFile, Segment, Snapshot
from quacktrace_collector.store.store import Store

__all__ = ["AppendResult", "Feed", "FeedFile", "Segment", "Snapshot", "Store"]
