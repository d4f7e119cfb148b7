"""Trace and span ids as numbers, for joins in numpy: their hex digits take four times the room and compare slowly."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.decode.arrow_views import Array, data_of
from quacktrace_collector.store.rollups.frame import compute, numbers_array

Numbers = npt.NDArray[np.uint64]
NO_ID: Final = np.uint64(0)
"""No span has it: an id that is all zero is not well formed."""

_FIRST: Final = np.uint64(0x9E3779B97F4A7C15)
_SECOND: Final = np.uint64(0xC2B2AE3D27D4EB4F)
_FINISH: Final = np.uint64(0xBF58476D1CE4E5B9)


def id_numbers(ids: Any, digits: int) -> npt.NDArray[np.uint64]:
    """A row of `digits // 16` numbers for each id of so many hex digits; NULL and '' are `NO_ID`."""
    array: Array = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    if pa.types.is_dictionary(array.type):
        array = array.cast(pa.string())
    numbers = np.zeros((len(array), digits // 16), np.uint64)
    lengths = compute.fill_null(compute.binary_length(array), 0).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(lengths == digits)
    present = array if len(rows) == len(array) else array.take(numbers_array(rows))
    letters = data_of(present)
    # '0' to '9' are 0x30 to 0x39, 'a' to 'f' 0x61 to 0x66.
    nibbles = (letters & np.uint8(15)) + np.uint8(9) * (letters >> np.uint8(6))
    packed = np.ascontiguousarray((nibbles[0::2] << np.uint8(4)) | nibbles[1::2])
    numbers[rows] = packed.view(">u8").astype(np.uint64).reshape(-1, digits // 16)
    return numbers


def trace_numbers(high: Numbers, low: Numbers) -> Numbers:
    """A 64-bit hash of each trace id given as two numbers."""
    mixed = high * _FIRST + low * _SECOND
    mixed ^= mixed >> np.uint64(32)
    mixed *= _FINISH
    mixed ^= mixed >> np.uint64(29)
    return mixed


def span_of_trace(traces: Numbers, spans: Numbers) -> Numbers:
    """A 64-bit hash of each span, given what `trace_numbers` made of its trace."""
    return trace_numbers(traces, spans)


def trace_number_of(trace_ids: Any) -> Numbers:
    """`trace_numbers` of trace ids of 32 hex digits."""
    numbers = id_numbers(trace_ids, 32)
    return trace_numbers(numbers[:, 0], numbers[:, 1])
