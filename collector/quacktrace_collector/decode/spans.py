"""Trace export requests to the columns of `schema.SPANS`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from quacktrace_collector.decode.arrow_views import Array, Bools, lengths_of, numbers_of
from quacktrace_collector.decode.attributes import attribute_columns
from quacktrace_collector.decode.containers import flatten_requests, outcomes_of
from quacktrace_collector.decode.decoded import Decoded
from quacktrace_collector.decode.events_links import added, event_column, link_column
from quacktrace_collector.decode.hex_ids import SPAN_ID_BYTES, TRACE_ID_BYTES, hex_ids, well_formed_ids
from quacktrace_collector.decode.limits import MAX_NAME_BYTES, MAX_TIME_NS, MAX_VALUE_BYTES, cut_strings
from quacktrace_collector.decode.promoted import promoted_columns
from quacktrace_collector.decode.wire import trace_requests
from quacktrace_collector.schema import SPANS, TIMESTAMP

KINDS: Final = pa.array(["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"])
STATUS_CODES: Final = pa.array(["UNSET", "OK", "ERROR"])
REJECTIONS: Final = {
    "invalid_id": "trace_id must be 16 bytes and span_id and parent_span_id 8 bytes, none of the first two all zero"
    " (in JSON: hex expected)",
    "time": "start and end must lie before the year 2262 (less than 2^63 - 1 nanoseconds)",
}
_LONG_DURATION_NS: Final = 366 * 86_400 * 10**9


def decode_spans(bodies: Sequence[bytes], *, received_at_ns: int) -> Decoded:
    """Decode ExportTraceServiceRequests that `receive.validate` accepted; MalformedBodyError for other bytes."""
    normalised: Counter[str] = Counter()
    flat = flatten_requests(trace_requests(bodies), scopes="scope_spans", records="spans", normalised=normalised)
    spans, origin_ids, origins = flat.records, flat.origin_ids, flat.origins
    reasons = _rejections(spans)
    outcomes = outcomes_of(flat.per_body, reasons, REJECTIONS)
    if reasons:
        keep = ~np.logical_or.reduce(list(reasons.values()))
        spans, origin_ids = spans.filter(pa.array(keep)), origin_ids[keep]
        origins = {origin_id: origins[origin_id] for origin_id in np.unique(origin_ids).tolist()}
    return Decoded(
        table=_table(spans, origin_ids, received_at_ns, normalised),
        rows=[outcome.accepted for outcome in outcomes],
        origins=origins,
        outcomes=outcomes,
        normalised=+normalised,
    )


def enum_texts(codes: Array, names: Array, normalised: Counter[str]) -> Array:
    """Names of enum values; one that is not known reads as the first name and is counted."""
    numbers = numbers_of(codes, np.int32)
    unknown = (numbers < 0) | (numbers >= len(names))
    if unknown.any():
        normalised["enum"] += int(np.count_nonzero(unknown))
        numbers = np.where(unknown, 0, numbers)
    return names.take(pa.array(numbers))


def _table(spans: Array, origin_ids: npt.NDArray[np.uint64], received_at_ns: int, normalised: Counter[str]) -> pa.Table:
    start = numbers_of(spans.field("start_time_unix_nano"), np.int64)
    end = numbers_of(spans.field("end_time_unix_nano"), np.int64)
    parent_ids, status = spans.field("parent_span_id"), spans.field("status")
    attributes = attribute_columns(spans.field("attributes"), normalised)
    events = event_column(spans.field("events"), normalised)
    links = link_column(spans.field("links"), normalised)
    span_id = hex_ids(spans.field("span_id"), SPAN_ID_BYTES)
    parent_span_id = hex_ids(parent_ids, SPAN_ID_BYTES, well_formed_ids(parent_ids, SPAN_ID_BYTES))
    is_own_parent: Array = pc.equal(span_id, parent_span_id)
    normalised["cycle"] += is_own_parent.true_count  # kept as it is, and cut where it is drawn
    columns = [
        hex_ids(spans.field("trace_id"), TRACE_ID_BYTES),
        span_id,
        parent_span_id,
        cut_strings(spans.field("trace_state"), MAX_VALUE_BYTES, normalised),
        spans.field("flags"),
        cut_strings(spans.field("name"), MAX_NAME_BYTES, normalised),
        enum_texts(spans.field("kind"), KINDS, normalised),
        pa.array(start).view(TIMESTAMP),
        pa.array(end).view(TIMESTAMP),
        pa.array(_durations(start, end, normalised)),
        enum_texts(pc.fill_null(status.field("code"), 0), STATUS_CODES, normalised),
        cut_strings(pc.fill_null(status.field("message"), ""), MAX_VALUE_BYTES, normalised),
        attributes.pairs(),
        attributes.types(),
        events.lists,
        links.lists,
        added(spans.field("dropped_attributes_count"), attributes.dropped),
        added(spans.field("dropped_events_count"), events.dropped),
        added(spans.field("dropped_links_count"), links.dropped),
        pa.array(np.full(len(spans), received_at_ns, np.int64)).view(TIMESTAMP),
        pa.array(origin_ids),
        *promoted_columns(attributes),
    ]
    return pa.Table.from_arrays(columns, schema=SPANS)


def _rejections(spans: Array) -> dict[str, Bools]:
    """For each reason the spans that it rejects; empty when all are good."""
    parent_lengths = lengths_of(spans.field("parent_span_id"))
    good_ids = (
        well_formed_ids(spans.field("trace_id"), TRACE_ID_BYTES)
        & well_formed_ids(spans.field("span_id"), SPAN_ID_BYTES)
        & ((parent_lengths == 0) | (parent_lengths == SPAN_ID_BYTES))
    )
    start = numbers_of(spans.field("start_time_unix_nano"), np.uint64)
    end = numbers_of(spans.field("end_time_unix_nano"), np.uint64)
    late = ((start > MAX_TIME_NS) | (end > MAX_TIME_NS)) & good_ids
    reasons = {"invalid_id": ~good_ids, "time": late}
    return {reason: mask for reason, mask in reasons.items() if mask.any()}


def _durations(
    start: npt.NDArray[np.int64], end: npt.NDArray[np.int64], normalised: Counter[str]
) -> npt.NDArray[np.int64]:
    durations = end - start
    odd = (durations < 0) | (durations > _LONG_DURATION_NS)
    if odd.any():
        normalised["time"] += int(np.count_nonzero(odd))
        durations = np.maximum(durations, 0)
    return durations
