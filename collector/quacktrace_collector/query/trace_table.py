"""Spans of one trace with nanoseconds for times, as the JSON answers want them, read without planning SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from quacktrace_collector.schema import EVENT
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.frame import compute

_EPOCHS: Final = {"start_time": "start_ns", "end_time": "end_ns", "received_at": "received_ns"}
_EVENT_FIELDS: Final = ("name", "attributes", "attributes_types", "dropped_attributes_count")
_EVENT: Final = (pa.field("time_ns", pa.int64()), *(EVENT.field(name) for name in _EVENT_FIELDS))
_EVENTS: Final = pa.list_(pa.struct(list(_EVENT)))


def trace_table(store: Store, trace_id: str, columns: Sequence[str], *, span_id: str | None = None) -> pa.Table:
    """In any order, of one span if asked to; times are nanoseconds, `start_time` is called `start_ns` and so on."""
    rows = store.rows_of_traces("spans", [trace_id], columns)
    if span_id is not None:
        rows = rows.filter(compute.equal(rows["span_id"], span_id))
    arrays, names = [], []
    chunked_array: Any = pa.chunked_array
    for name in columns:
        column: Any = rows[name]
        if name in _EPOCHS:
            column, name = column.cast(pa.int64()), _EPOCHS[name]
        elif name == "events":
            column = chunked_array([_with_epochs(chunk) for chunk in column.chunks], _EVENTS)
        arrays.append(column)
        names.append(name)
    return pa.table(arrays, names=names)


def _with_epochs(lists: Any) -> Any:
    events = lists.flatten()
    fields = [events.field("time").cast(pa.int64()), *(events.field(name) for name in _EVENT_FIELDS)]
    lengths = compute.fill_null(compute.list_value_length(lists), 0).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    made: Any = pa.ListArray
    return made.from_arrays(pa.array(offsets), pa.StructArray.from_arrays(fields, fields=list(_EVENT)), type=_EVENTS)
