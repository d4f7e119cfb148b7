"""Arrow columns as values that JSON can hold without losing anything."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

__all__ = ["json_values"]

_MAX_SAFE_INTEGER: Final = 2**53
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_MAX_INT64: Final = 2**63 - 1


def json_values(array: Any) -> list[Any]:
    """One value per row: RFC 3339 with nine digits, integers beyond 2^53 and NaN as strings, blobs as hex."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return json_values(array.dictionary_decode())
    if isinstance(kind, pa.ExtensionType):
        return json_values(array.storage)
    if pa.types.is_timestamp(kind):
        return _timestamps(array)
    if pa.types.is_map(kind):
        return _maps(array)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _lists(array)
    if pa.types.is_struct(kind):
        return _structs(array)
    convert = _scalar_converter(kind)
    values = array.to_pylist()
    return values if convert is None else [None if value is None else convert(value) for value in values]


def _scalar_converter(kind: pa.DataType) -> Callable[[Any], Any] | None:
    if pa.types.is_int64(kind) or pa.types.is_uint64(kind):
        return _integer
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind) or pa.types.is_string(kind):
        return None
    if pa.types.is_floating(kind):
        return _float
    if pa.types.is_decimal(kind):
        return _decimal
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return bytes.hex
    if pa.types.is_date(kind) or pa.types.is_time(kind):
        return lambda value: value.isoformat()
    return str


def _integer(value: int) -> int | str:
    return value if -_MAX_SAFE_INTEGER <= value <= _MAX_SAFE_INTEGER else str(value)


def _float(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _decimal(value: Decimal) -> int | float | str:
    if value == value.to_integral_value() and int(value.as_tuple().exponent) == 0:
        return _integer(int(value))
    # A double holds 15 significant digits whatever they are.
    return float(value) if len(value.as_tuple().digits) <= 15 else str(value)


def _timestamps(array: Any) -> list[str | None]:
    per_second = _PER_SECOND[array.type.unit]
    scale = 10**9 // per_second
    seconds_text: dict[int, str] = {}
    texts: list[str | None] = []
    for value in array.cast(pa.int64()).to_pylist():
        if value is None:
            texts.append(None)
            continue
        if abs(value) >= _MAX_INT64:
            texts.append("infinity" if value > 0 else "-infinity")
            continue
        seconds, rest = divmod(value, per_second)
        text = seconds_text.get(seconds)
        if text is None:
            text = seconds_text[seconds] = _second(seconds)
        texts.append(f"{text}.{rest * scale:09d}Z")
    return texts


def _second(seconds: int) -> str:
    try:
        return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    except OverflowError:
        return f"{seconds}s"


def _lists(array: Any) -> list[Any]:
    if pa.types.is_fixed_size_list(array.type):
        size = array.type.list_size
        values = json_values(array.values)
        start = array.offset * size
        rows: Iterable[Any] = (values[start + row * size : start + (row + 1) * size] for row in range(len(array)))
    else:
        offsets = array.offsets.to_pylist()
        first = offsets[0] if offsets else 0
        values = json_values(array.values.slice(first, offsets[-1] - first if offsets else 0))
        rows = (values[offsets[row] - first : offsets[row + 1] - first] for row in range(len(array)))
    return [row if valid else None for row, valid in zip(rows, array.is_valid().to_pylist(), strict=True)]


def _maps(array: Any) -> list[Any]:
    offsets = array.offsets.to_pylist()
    first = offsets[0] if offsets else 0
    length = offsets[-1] - first if offsets else 0
    keys = json_values(array.keys.slice(first, length))
    items = json_values(array.items.slice(first, length))
    is_object = pa.types.is_string(array.type.key_type) or pa.types.is_dictionary(array.type.key_type)
    rows: list[Any] = []
    for row, valid in enumerate(array.is_valid().to_pylist()):
        start, end = offsets[row] - first, offsets[row + 1] - first
        pairs = zip(keys[start:end], items[start:end], strict=True)
        rows.append(None if not valid else dict(pairs) if is_object else [list(pair) for pair in pairs])
    return rows


def _structs(array: Any) -> list[Any]:
    names = [array.type.field(index).name for index in range(array.type.num_fields)]
    columns = [json_values(column) for column in array.flatten()]
    is_object = len(set(names)) == len(names) and all(names)
    rows: list[Any] = []
    for row, valid in enumerate(array.is_valid().to_pylist()):
        values = [column[row] for column in columns]
        rows.append(None if not valid else dict(zip(names, values, strict=True)) if is_object else values)
    return rows
