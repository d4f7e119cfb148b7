"""Keeps a span one row: the first arrival of a (trace_id, span_id) wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from quacktrace_collector.store.catalog import Catalog
from quacktrace_collector.store.feed import read_feed
from quacktrace_collector.store.seen import Keys, SeenSpans, span_keys
from quacktrace_collector.time_range import TimeRange

_WINDOW_NS: Final = 24 * 3600 * 10**9
# A span that is sent again starts when it started; the margin is for clients that correct their clocks.
_START_MARGIN_NS: Final = 3600 * 10**9
# What a start reads again of the sealed segments, newest first: about a second's work.
_LOADED_SPANS: Final = 4_000_000
_FIND: Final = "select trace_id, span_id from spans where trace_id in (select unnest($trace_ids))"


@dataclass(frozen=True, slots=True)
class NewSpans:
    """Spans that are not stored yet, with their keys."""

    table: pa.Table
    keys: Keys


class Duplicates:
    """Used by the writing thread only."""

    def __init__(self, catalog: Catalog, query: Callable[..., pa.Table]) -> None:
        self._seen = SeenSpans()
        self._query = query
        self._load(catalog)

    def without_duplicates(self, spans: pa.Table) -> NewSpans:
        """The spans that are neither stored already nor earlier in the same table."""
        keys = span_keys(spans["trace_id"], spans["span_id"])
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        maybe_stored = self._seen.maybe_seen(keys)
        repeated = first[inverse] != np.arange(len(keys))
        if not (maybe_stored.any() or repeated.any()):
            return NewSpans(spans, keys)
        keep = ~self._stored(spans, np.flatnonzero(maybe_stored))
        for row in np.flatnonzero(repeated):
            if _ids(spans, int(row)) == _ids(spans, int(first[inverse[row]])):
                keep[row] = False
        return NewSpans(spans.take(np.flatnonzero(keep)), keys[keep])

    def remember(self, new: NewSpans) -> None:
        """These are stored now."""
        self._seen.add(new.keys)

    def _stored(self, spans: pa.Table, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        stored = np.zeros(spans.num_rows, np.bool_)
        if not len(rows):
            return stored
        suspects = spans.select(["trace_id", "span_id", "start_time"]).take(rows)
        bounds = pc.min_max(suspects["start_time"].cast(pa.int64()))
        trace_ids = pc.unique(suspects["trace_id"]).to_pylist()
        found = self._query(
            _FIND,
            {"trace_ids": trace_ids},
            time_range=TimeRange(bounds["min"].as_py() - _START_MARGIN_NS, bounds["max"].as_py() + _START_MARGIN_NS),
            trace_ids=trace_ids,
        )
        known = set(zip(found["trace_id"].to_pylist(), found["span_id"].to_pylist(), strict=True))
        ids = zip(suspects["trace_id"].to_pylist(), suspects["span_id"].to_pylist(), strict=True)
        stored[rows] = [pair in known for pair in ids]
        return stored

    def _load(self, catalog: Catalog) -> None:
        newest_ns = max((segment.last_received_ns for segment in catalog.segments), default=0)
        loaded = 0
        for segment in reversed(catalog.segments):
            if segment.last_received_ns <= newest_ns - _WINDOW_NS or loaded >= _LOADED_SPANS:
                break
            if segment.span_count:
                ids = pq.read_table(segment.spans_path, columns=["trace_id", "span_id"])
                self._seen.add(span_keys(ids["trace_id"], ids["span_id"]))
                loaded += segment.span_count
        for generation in catalog.generations:
            for batch in read_feed(generation.feed().spans, ["trace_id", "span_id"]):
                ids = pa.Table.from_batches([batch])
                self._seen.add(span_keys(ids["trace_id"], ids["span_id"]))


def _ids(spans: pa.Table, row: int) -> tuple[object, object]:
    return spans["trace_id"][row].as_py(), spans["span_id"][row].as_py()
