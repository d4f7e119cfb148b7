"""Keeps a span one row: the first arrival of a (trace_id, span_id) within 24 hours wins.

The newest spans are remembered by their ids (`seen`). For those that were sealed before these, the file of trace keys
that each segment has anyway says which traces it surely does not hold, and only segments whose spans start when the new
ones do are asked: a span that is sent again starts when it started. So live traffic asks none, and a replayed spool a
few. Measured (2 busy cores): nothing is written for it beyond the 32 bits a trace, 4 to 6 a span; 300 ns a trace and
segment asked, in vain for one trace in 43,000 with segments of 100,000 traces; every hit is looked up in the store.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.store.catalog import Catalog
from quacktrace_collector.store.hot.feed import read_feed
from quacktrace_collector.store.hot.open_spans import OPEN, STATE_KEY
from quacktrace_collector.store.sealed.trace_places import held_traces
from quacktrace_collector.store.seen import Keys, SeenSpans, span_keys
from quacktrace_collector.store.snapshot import Segment
from quacktrace_collector.time_range import TimeRange

_WINDOW_NS: Final = 24 * 3600 * 10**9
# A span that is sent again starts when it started; the margins are for clients that correct their clocks.
_ASKED_MARGIN_NS: Final = 60 * 10**9
_START_MARGIN_NS: Final = 3600 * 10**9
_CONTENT: Final = ("parent_span_id", "name", "kind", "start_time", "duration_ns", "status_code", "attributes")
_FIND: Final = (
    f"select trace_id, span_id, {', '.join(_CONTENT)} from spans where trace_id in (select unnest($trace_ids))"
)


@dataclass(frozen=True, slots=True)
class NewSpans:
    """Spans that are not stored yet, with their keys."""

    table: pa.Table
    keys: Keys
    conflicts: int = 0
    """How many of those that are stored have another content there."""


class Duplicates:
    """Used by the writing thread only."""

    def __init__(
        self, catalog: Catalog, query: Callable[..., pa.Table], *, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._catalog = catalog
        self._query = query
        self._now_ns = now_ns
        self._seen = SeenSpans(catalog.generations[0].generation_id)
        self._forgotten = _Forgotten((), 0)
        for generation in catalog.generations:
            for batch in read_feed(generation.feed().spans, ["trace_id", "span_id"]):
                ids = pa.Table.from_batches([batch])
                self._seen.add(span_keys(ids["trace_id"], ids["span_id"]), generation.generation_id)

    def without_duplicates(self, spans: pa.Table) -> NewSpans:
        """The spans that are neither stored already nor earlier in the same table."""
        keys = span_keys(spans["trace_id"], spans["span_id"])
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        maybe_stored = self._seen.maybe_seen(keys)
        self._ask_forgotten(spans, maybe_stored)
        repeated = first[inverse] != np.arange(len(keys))
        if not (maybe_stored.any() or repeated.any()):
            return NewSpans(spans, keys)
        stored, conflicts = self._stored(spans, np.flatnonzero(maybe_stored))
        keep = ~stored
        for row in np.flatnonzero(repeated):
            if _ids(spans, int(row)) == _ids(spans, int(first[inverse[row]])):
                keep[row] = False
        return NewSpans(spans.take(np.flatnonzero(keep)), keys[keep], conflicts)

    def remember(self, new: NewSpans, generation_id: int) -> None:
        """These are stored now."""
        self._seen.add(new.keys, generation_id)

    def _ask_forgotten(self, spans: pa.Table, maybe_stored: npt.NDArray[np.bool_]) -> None:
        """Mark the spans that a segment may hold whose spans are not remembered."""
        segments = self._catalog.segments
        if self._forgotten.segments is not segments or self._forgotten.whole_from != self._seen.whole_from:
            self._forgotten = _Forgotten(segments, self._seen.whole_from)
        if not self._forgotten.older or not spans.num_rows:
            return
        starts = spans["start_time"].cast(pa.int64()).to_numpy()
        asked = self._forgotten.within(int(starts.min()), int(starts.max()), self._now_ns() - _WINDOW_NS)
        for segment in asked:
            near = starts >= segment.first_start_ns - _ASKED_MARGIN_NS
            near &= starts <= segment.last_start_ns + _ASKED_MARGIN_NS
            rows = np.flatnonzero(near & ~maybe_stored)
            if len(rows):
                traces: Any = spans["trace_id"].combine_chunks().take(rows).dictionary_encode()
                held = held_traces(segment.path, pa.chunked_array([traces.dictionary]))
                maybe_stored[rows] = held[traces.indices.to_numpy()]

    def _stored(self, spans: pa.Table, rows: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.bool_], int]:
        stored = np.zeros(spans.num_rows, np.bool_)
        if not len(rows):
            return stored, 0
        suspects = spans.select(["trace_id", "span_id", *_CONTENT]).take(rows)
        bounds = pc.min_max(suspects["start_time"].cast(pa.int64()))
        trace_ids = pc.unique(suspects["trace_id"]).to_pylist()
        found = self._query(
            _FIND,
            {"trace_ids": trace_ids},
            time_range=TimeRange(bounds["min"].as_py() - _START_MARGIN_NS, bounds["max"].as_py() + _START_MARGIN_NS),
            trace_ids=trace_ids,
        )
        known = {ids: row for row, ids in enumerate(_all_ids(found))}
        pairs = [(row, known[ids]) for row, ids in enumerate(_all_ids(suspects)) if ids in known]
        if not pairs:
            return stored, 0
        # One that says it is open gives way to one that has ended, never the other way round.
        was_open, is_open = _are_open(found), _are_open(suspects)
        pairs = [(mine, theirs) for mine, theirs in pairs if is_open[mine] or not was_open[theirs]]
        if not pairs:
            return stored, 0
        arrived, there = (list(part) for part in zip(*pairs, strict=True))
        stored[rows[arrived]] = True
        same = [
            mine == theirs for mine, theirs in zip(_content(suspects, arrived), _content(found, there), strict=True)
        ]
        return stored, same.count(False)


class _Forgotten:
    """The segments whose spans are not remembered, by when their spans start."""

    def __init__(self, segments: tuple[Segment, ...], whole_from: int) -> None:
        self.segments = segments
        self.whole_from = whole_from
        self.older = [segment for segment in segments if segment.first_id < whole_from and segment.span_count]
        self._first_ns = np.array([segment.first_start_ns for segment in self.older], np.int64)
        self._last_ns = np.array([segment.last_start_ns for segment in self.older], np.int64)

    def within(self, first_ns: int, last_ns: int, received_from_ns: int) -> list[Segment]:
        """Those of the window that have spans which start in the range."""
        near = (self._first_ns <= last_ns + _ASKED_MARGIN_NS) & (self._last_ns >= first_ns - _ASKED_MARGIN_NS)
        return [
            self.older[index] for index in np.flatnonzero(near) if self.older[index].last_received_ns > received_from_ns
        ]


def _all_ids(spans: pa.Table) -> list[tuple[object, object]]:
    return list(zip(spans["trace_id"].to_pylist(), spans["span_id"].to_pylist(), strict=True))


def _content(spans: pa.Table, rows: list[int]) -> list[tuple[object, ...]]:
    """What makes two spans of the same ids the same span."""
    some = spans.select(list(_CONTENT)).take(rows)
    columns = [some[name].to_pylist() for name in _CONTENT if name not in ("start_time", "attributes")]
    columns.append(some["start_time"].cast(pa.int64()).to_pylist())
    columns.append([_as_dict(attributes) for attributes in some["attributes"].to_pylist()])
    return list(zip(*columns, strict=True))


def _are_open(spans: pa.Table) -> list[bool]:
    return [_as_dict(attributes).get(STATE_KEY) == OPEN for attributes in spans["attributes"].to_pylist()]


def _as_dict(attributes: Any) -> dict[str, str]:
    """From a MAP, or from the list of pairs that arrives."""
    return dict((one["key"], one["value"]) if isinstance(one, dict) else one for one in attributes)


def _ids(spans: pa.Table, row: int) -> tuple[object, object]:
    return spans["trace_id"][row].as_py(), spans["span_id"][row].as_py()
