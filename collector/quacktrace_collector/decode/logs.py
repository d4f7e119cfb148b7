"""Logs export requests to the columns of `schema.LOGS`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.decode.arrow_views import Array, Bools, lengths_of, numbers_of, strings_from
from quacktrace_collector.decode.attributes import attribute_columns
from quacktrace_collector.decode.containers import flatten_requests, outcomes_of
from quacktrace_collector.decode.decoded import Decoded
from quacktrace_collector.decode.events_links import added
from quacktrace_collector.decode.hex_ids import SPAN_ID_BYTES, TRACE_ID_BYTES, hex_ids, well_formed_ids
from quacktrace_collector.decode.limits import MAX_NAME_BYTES, MAX_TIME_NS, cut_strings
from quacktrace_collector.decode.wire import logs_requests
from quacktrace_collector.decode.wire_values import read_any_values
from quacktrace_collector.schema import LOGS, TIMESTAMP

REJECTIONS: Final = {"time": "times must lie before the year 2262 (less than 2^63 - 1 nanoseconds)"}


def decode_logs(bodies: Sequence[bytes], *, received_at_ns: int) -> Decoded:
    """Decode ExportLogsServiceRequests that `receive.validate` accepted; MalformedBodyError for other bytes.

    A record without any time takes the time of its arrival. One with a malformed trace or span id is kept without it.
    """
    normalised: Counter[str] = Counter()
    flat = flatten_requests(logs_requests(bodies), scopes="scope_logs", records="log_records", normalised=normalised)
    records, origin_ids, origins = flat.records, flat.origin_ids, flat.origins
    reasons = _rejections(records)
    outcomes = outcomes_of(flat.per_body, reasons, REJECTIONS)
    if reasons:
        keep = ~reasons["time"]
        records, origin_ids = records.filter(pa.array(keep)), origin_ids[keep]
        origins = {origin_id: origins[origin_id] for origin_id in np.unique(origin_ids).tolist()}
    return Decoded(
        table=_table(records, origin_ids, received_at_ns, normalised),
        rows=[outcome.accepted for outcome in outcomes],
        origins=origins,
        outcomes=outcomes,
        normalised=+normalised,
    )


def _table(
    records: Array, origin_ids: npt.NDArray[np.uint64], received_at_ns: int, normalised: Counter[str]
) -> pa.Table:
    time = numbers_of(records.field("time_unix_nano"), np.int64)
    observed = numbers_of(records.field("observed_time_unix_nano"), np.int64)
    event_time = np.where(time != 0, time, np.where(observed != 0, observed, received_at_ns))
    body = read_any_values(records.field("body"), normalised)
    attributes = attribute_columns(records.field("attributes"), normalised)
    columns = [
        pa.array(event_time).view(TIMESTAMP),
        pa.array(observed, mask=observed == 0).view(TIMESTAMP),
        records.field("severity_number"),
        cut_strings(records.field("severity_text"), MAX_NAME_BYTES, normalised),
        body.texts,
        strings_from(np.arange(len(records) + 1, dtype=np.int32), body.letters),
        attributes.pairs(),
        attributes.types(),
        added(records.field("dropped_attributes_count"), attributes.dropped),
        records.field("flags"),
        _ids(records.field("trace_id"), TRACE_ID_BYTES, normalised),
        _ids(records.field("span_id"), SPAN_ID_BYTES, normalised),
        cut_strings(records.field("event_name"), MAX_NAME_BYTES, normalised),
        pa.array(np.full(len(records), received_at_ns, np.int64)).view(TIMESTAMP),
        pa.array(origin_ids),
    ]
    return pa.Table.from_arrays(columns, schema=LOGS)


def _ids(ids: Array, width: int, normalised: Counter[str]) -> Array:
    lengths = lengths_of(ids)
    normalised["log_id"] += int(np.count_nonzero((lengths != 0) & (lengths != width)))
    return hex_ids(ids, width, well_formed_ids(ids, width))


def _rejections(records: Array) -> dict[str, Bools]:
    late = (numbers_of(records.field("time_unix_nano"), np.uint64) > MAX_TIME_NS) | (
        numbers_of(records.field("observed_time_unix_nano"), np.uint64) > MAX_TIME_NS
    )
    return {"time": late} if late.any() else {}
