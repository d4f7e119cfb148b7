"""The spans of one trace as columns, each span once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.diagnose.trace_tree import Rows
from quacktrace_collector.errors import NotFoundError
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.frame import compute

# 150 bytes each while they are drawn; a trace of more is a mistake of whoever sends it, and must not become ours.
MOST_READ: Final = 500_000

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Coded:
    """A text column as positions in the list of its distinct values."""

    codes: Rows
    values: list[str]


@dataclass(frozen=True, slots=True)
class TraceSpans:
    """Row i of every column is the same span; no two rows have the same span id."""

    span_ids: pa.StringArray
    parent: Rows
    """Row of the parent, -1 for none and for one that is not stored."""
    parent_span_ids: pa.StringArray
    """NULL for a root."""
    is_root: Flags
    start_ns: Rows
    duration_ns: Rows
    name: Coded
    service: Coded
    scope: Coded
    query_text: Coded
    """The beginning of what a database was asked; '' for any other span."""
    kind: Coded
    status: Coded
    has_links: Flags
    is_open: Flags
    events: pa.ChunkedArray[Any]
    """As they are stored."""
    is_cut: bool
    """More than the first MOST_READ may be stored."""
    doubles: int
    """Rows left out because the same span was stored before."""
    version: str
    """Changes when a span is added."""

    def __len__(self) -> int:
        return len(self.start_ns)

    @property
    def end_ns(self) -> Rows:
        """Start and duration; a span that ends before it starts ends where it starts."""
        return self.start_ns + self.duration_ns


def load_trace_spans(store: Store, trace_id: str) -> TraceSpans:
    """The spans of the trace, wherever in time they are, up to MOST_READ of them.

    Raises:
        NotFoundError: none is stored.
    """
    table = _read(store, trace_id)
    if not table.num_rows:
        raise trace_not_found(trace_id)
    is_cut = table.num_rows == MOST_READ
    newest = pc.max(table["received_ns"]).as_py()
    version = f"{table.num_rows}-{newest}"
    keep = rows_to_keep(table)
    doubles = 0
    if keep is not None:
        doubles = table.num_rows - len(keep)
        table = table.take(keep)
    span_ids = _chunk(table["span_id"])
    parents = _chunk(table["parent_span_id"])
    return TraceSpans(
        span_ids=span_ids,
        parent=positions_in(span_ids, parents),
        parent_span_ids=parents,
        is_root=pc.is_null(parents).to_numpy(zero_copy_only=False),
        start_ns=_integers(table["start_ns"]),
        duration_ns=_integers(table["duration_ns"]),
        **{field: _coded(table[column]) for field, column in _CODED.items()},
        has_links=pc.fill_null(_chunk(table["has_links"]), False).to_numpy(zero_copy_only=False),
        is_open=_chunk(table["is_open"]).to_numpy(zero_copy_only=False),
        events=table["events"],
        is_cut=is_cut,
        doubles=doubles,
        version=version,
    )


def _read(store: Store, trace_id: str) -> pa.Table:
    rows = store.rows_of_traces("spans", [trace_id], _COLUMNS)
    rows = rows.sort_by([("start_time", "ascending"), ("span_id", "ascending")]).slice(0, MOST_READ)
    query_text = compute.utf8_slice_codeunits(compute.fill_null(rows["db_query_text"], ""), 0, _TEXT_LENGTH)
    return (
        rows.append_column("start_ns", rows["start_time"].cast(pa.int64()))
        .append_column("received_ns", rows["received_at"].cast(pa.int64()))
        .append_column("query_text", query_text)
        .append_column("has_links", compute.greater(compute.list_value_length(rows["links"]), 0))
    )


_COLUMNS: Final = (
    *("span_id", "parent_span_id", "name", "kind", "start_time", "duration_ns", "status_code", "service_name"),
    *("scope_name", "db_query_text", "received_at", "links", "events", "is_open"),
)
_TEXT_LENGTH: Final = 200
_CODED: Final = {
    "name": "name",
    "service": "service_name",
    "scope": "scope_name",
    "query_text": "query_text",
    "kind": "kind",
    "status": "status_code",
}


def rows_to_keep(table: pa.Table) -> Rows | None:
    """One row a span: an ended span beats an open one, then the first arrival; None when no span is there twice."""
    codes = _coded(table["span_id"])
    if len(codes.values) == table.num_rows:
        return None
    by_preference = np.lexsort(
        (_integers(table["received_ns"]), _chunk(table["is_open"]).to_numpy(zero_copy_only=False))
    )
    _, first = np.unique(codes.codes[by_preference], return_index=True)
    kept: Rows = np.sort(by_preference[first])
    return kept


def positions_in(values: pa.StringArray, wanted: pa.StringArray) -> Rows:
    """Where each wanted value stands in `values`; -1 for NULL and for what is not there."""
    found: Any = pc.index_in(wanted, value_set=values)
    positions: Rows = found.fill_null(-1).to_numpy().astype(np.int64)
    return np.where(wanted.is_null().to_numpy(zero_copy_only=False), -1, positions)


def text_array(column: pa.ChunkedArray[Any]) -> Any:
    """A text column in one piece, however many it came in."""
    return pa.concat_arrays([pa.array([], pa.string()), *(chunk.cast(pa.string()) for chunk in column.chunks)])


def trace_not_found(trace_id: str) -> NotFoundError:
    """What every call about a trace that is not stored answers."""
    return NotFoundError(
        f"no span of trace {trace_id} is stored",
        hint="it may have been deleted by retention, or not have arrived yet",
        code="trace_not_found",
    )


def _coded(column: pa.ChunkedArray[Any]) -> Coded:
    encoded = _chunk(column).dictionary_encode()
    return Coded(encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist())


def _integers(column: pa.ChunkedArray[Any]) -> Rows:
    integers: Rows = _chunk(column).to_numpy().astype(np.int64, copy=False)
    return integers


def _chunk(column: pa.ChunkedArray[Any]) -> Any:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined
