"""Events and links of spans: lists of structs, their attributes as maps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.decode.arrow_views import (
    Array,
    Bools,
    elements_of,
    int32_array,
    lengths_of,
    numbers_of,
    offsets_after,
    positions_in_row,
)
from quacktrace_collector.decode.attributes import AttributeColumns, attribute_columns
from quacktrace_collector.decode.hex_ids import SPAN_ID_BYTES, TRACE_ID_BYTES, hex_ids
from quacktrace_collector.decode.limits import (
    MAX_EVENTS,
    MAX_LINKS,
    MAX_NAME_BYTES,
    MAX_TIME_NS,
    MAX_VALUE_BYTES,
    cut_strings,
)
from quacktrace_collector.schema import EVENT, LINK, TIMESTAMP


@dataclass(frozen=True, slots=True)
class ElementColumn:
    """The events or links of each row."""

    lists: Array
    dropped: npt.NDArray[np.int64] | None
    """Dropped per row beyond those that the sender dropped; None when none were."""


def event_column(lists: Array, normalised: Counter[str]) -> ElementColumn:
    """The first MAX_EVENTS of each row, as `schema.EVENT`."""
    offsets, events = elements_of(lists)
    if len(events) == 0:
        return _empty(len(lists), EVENT)
    offsets, events, dropped = _kept(offsets, events, positions_in_row(offsets) < MAX_EVENTS, normalised)
    attributes = attribute_columns(events.field("attributes"), normalised)
    fields = [
        event_times(events.field("time_unix_nano"), normalised),
        cut_strings(events.field("name"), MAX_NAME_BYTES, normalised),
        attributes.maps(),
        attributes.types(),
        added(events.field("dropped_attributes_count"), attributes.dropped),
    ]
    return ElementColumn(_lists(offsets, fields, EVENT), dropped)


def link_column(lists: Array, normalised: Counter[str]) -> ElementColumn:
    """The first MAX_LINKS of each row, as `schema.LINK`; a link whose ids have a wrong length is dropped."""
    offsets, links = elements_of(lists)
    if len(links) == 0:
        return _empty(len(lists), LINK)
    has_ids = (lengths_of(links.field("trace_id")) == TRACE_ID_BYTES) & (
        lengths_of(links.field("span_id")) == SPAN_ID_BYTES
    )
    normalised["link_id"] += int(np.count_nonzero(~has_ids))
    keep = has_ids.copy()
    keep[has_ids] = positions_in_row(offsets_after(has_ids, offsets)) < MAX_LINKS
    offsets, links, dropped = _kept(offsets, links, keep, normalised)
    attributes: AttributeColumns = attribute_columns(links.field("attributes"), normalised)
    fields = [
        hex_ids(links.field("trace_id"), TRACE_ID_BYTES),
        hex_ids(links.field("span_id"), SPAN_ID_BYTES),
        cut_strings(links.field("trace_state"), MAX_VALUE_BYTES, normalised),
        links.field("flags"),
        attributes.maps(),
        attributes.types(),
        added(links.field("dropped_attributes_count"), attributes.dropped),
    ]
    return ElementColumn(_lists(offsets, fields, LINK), dropped)


def added(sent: Array, dropped: npt.NDArray[np.int64] | None) -> Array:
    """The sender's dropped count and ours together, saturated."""
    if dropped is None:
        return sent
    total = numbers_of(sent, np.uint32).astype(np.int64) + dropped
    return pa.array(np.minimum(total, np.iinfo(np.uint32).max).astype(np.uint32))


def event_times(times: Array, normalised: Counter[str]) -> Array:
    """uint64 nanoseconds as timestamps; what is beyond the range is moved to its end and counted."""
    numbers = numbers_of(times, np.uint64)
    beyond = int(np.count_nonzero(numbers > MAX_TIME_NS))
    if beyond:
        normalised["time"] += beyond
        numbers = np.minimum(numbers, np.uint64(MAX_TIME_NS))
    return pa.array(numbers.view(np.int64)).view(TIMESTAMP)


def _kept(
    offsets: npt.NDArray[np.int32], elements: Array, keep: Bools, normalised: Counter[str]
) -> tuple[npt.NDArray[np.int32], Array, npt.NDArray[np.int64] | None]:
    if keep.all():
        return offsets, elements, None
    kept_offsets = offsets_after(keep, offsets)
    dropped = (np.diff(offsets) - np.diff(kept_offsets)).astype(np.int64)
    normalised["truncated"] += int(dropped.sum())
    return kept_offsets, elements.filter(pa.array(keep)), dropped


def _lists(offsets: npt.NDArray[np.int32], fields: list[Array], element: pa.StructType) -> Array:
    structs = pa.StructArray.from_arrays(fields, fields=list(element))
    return pa.ListArray.from_arrays(int32_array(offsets), structs)


def _empty(rows: int, element: pa.StructType) -> ElementColumn:
    offsets = int32_array(np.zeros(rows + 1, np.int32))
    return ElementColumn(pa.ListArray.from_arrays(offsets, pa.array([], element)), None)
