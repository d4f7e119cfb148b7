"""Arrow arrays seen as numpy and back, without copying."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Array: TypeAlias = Any
"""An Arrow array. pyarrow's stubs cannot say which: to them a field of a nested array has no methods of its kind."""
Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]


def offsets_of(array: Array) -> Ints:
    """The n + 1 offsets of a string, binary or list array."""
    if len(array) == 0:
        return np.zeros(1, np.int32)
    return np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, array.offset * 4)


def lengths_of(array: Array) -> Ints:
    """Bytes of each string, or elements of each list."""
    offsets = offsets_of(array)
    return offsets[1:] - offsets[:-1]


def data_of(array: Array) -> Bytes:
    """All bytes of a string or binary array, end to end."""
    offsets = offsets_of(array)
    if len(array) == 0 or offsets[-1] == offsets[0]:
        return np.empty(0, np.uint8)
    return np.frombuffer(array.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]


def numbers_of(array: Array, dtype: Any) -> npt.NDArray[Any]:
    """The values of a primitive array; whatever stands there where it is null."""
    if len(array) == 0:
        return np.empty(0, dtype)
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * np.dtype(dtype).itemsize)


def validity_of(array: Array) -> Bools:
    """True where the array is not null."""
    bitmap = array.buffers()[0]
    if bitmap is None:
        return np.ones(len(array), np.bool_)
    bits = np.frombuffer(bitmap, np.uint8)
    return np.unpackbits(bits, count=array.offset + len(array), bitorder="little")[array.offset :].view(np.bool_)


def elements_of(lists: Array) -> tuple[Ints, Array]:
    """Offsets from 0 on, and the elements they point into."""
    offsets = offsets_of(lists)
    first, last = int(offsets[0]), int(offsets[-1])
    elements = lists.values
    if first == 0 and last == len(elements):
        return offsets, elements
    return offsets - offsets[0], elements.slice(first, last - first)


def strings_from(offsets: Ints, data: Bytes, valid: Bools | None = None) -> Array:
    """A string array over these buffers; `data` must be UTF-8."""
    bitmap = None if valid is None else _buffer(np.packbits(valid, bitorder="little"))
    return pa.StringArray.from_buffers(
        len(offsets) - 1, _buffer(offsets.astype(np.int32, copy=False)), _buffer(data), bitmap
    )


def take_or_null(values: Array, index: npt.NDArray[np.int64]) -> Array:
    """values[index], null where the index is negative."""
    return values.take(pa.array(index, mask=index < 0))


def offsets_after(keep: Bools, offsets: Ints) -> Ints:
    """The offsets of lists of which only the elements in `keep` remain."""
    kept = np.zeros(len(keep) + 1, np.int32)
    np.cumsum(keep, out=kept[1:])
    return kept[offsets]


def rows_of_elements(offsets: Ints) -> npt.NDArray[np.int64]:
    """For each element the list it stands in."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def positions_in_row(offsets: Ints) -> npt.NDArray[np.int64]:
    """For each element its place in its list."""
    return np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))


def int32_array(numbers: Ints) -> Array:
    """Offsets as Arrow wants them."""
    return pa.array(numbers, pa.int32())


def _buffer(numbers: npt.NDArray[Any]) -> Any:
    return pa.py_buffer(cast(Any, np.ascontiguousarray(numbers)))
