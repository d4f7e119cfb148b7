"""Hot generations in DuckDB and sealed Parquet segments, behind one relation per signal."""

from __future__ import annotations

from quacktrace_collector.store.snapshot import Feed, FeedFile, Segment, Snapshot
from quacktrace_collector.store.store import AppendResult, Store

__all__ = ["AppendResult", "Feed", "FeedFile", "Segment", "Snapshot", "Store"]
