"""A few rows as they are stored, sealed or hot, become public columns without DuckDB: the same as its views make."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa

from quacktrace_collector.schema import (
    ATTRIBUTE_MAP,
    EVENT,
    LINK,
    LOGS,
    OPEN_STATE_KEY,
    ORIGINS,
    SPANS,
    TIMESTAMP,
)
from quacktrace_collector.store.rollups.frame import compute, map_of

FROM_JSON: Final = {"resource": "resource_json", "scope_attributes": "scope_attributes_json"}
IS_OPEN: Final = "is_open"
"""Not a column of the views: true of a span that said it had not ended yet."""
# Typed: of a plain text pyarrow finds the type out by looking for packages that are not installed.
_STATE_KEY: Final = pa.scalar(OPEN_STATE_KEY, pa.string())
_OPEN: Final = pa.scalar("open", pa.string())
_NESTED: Final = {"attributes": ATTRIBUTE_MAP, "events": pa.list_(EVENT), "links": pa.list_(LINK)}


def public_schema(columns: Sequence[str]) -> pa.Schema:
    """Arrow types of public columns of spans or logs."""
    return _schema(tuple(columns))


def public_rows(rows: pa.Table, columns: Sequence[str], *, may_be_open: bool = True) -> pa.Table:
    """Of sealed rows, or of hot ones with the columns of their origins. Without `attributes`, no span is open."""
    schema = public_schema(columns)
    if not rows.num_rows:
        return schema.empty_table()
    if not may_be_open and IS_OPEN in columns:
        rows = rows.append_column(IS_OPEN, pa.array(np.zeros(rows.num_rows, np.bool_)))
    return pa.table([_column(rows, field.name, field.type) for field in schema], schema=schema)


def with_origins(rows: pa.Table, origins: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Hot rows with those columns of their origins that the public ones are made from."""
    place: Any = compute.index_in(rows["origin_id"], value_set=origins["origin_id"].combine_chunks())
    for column in columns:
        name = FROM_JSON.get(column, column)
        if name in ORIGINS.names:
            rows = rows.append_column(name, origins[name].take(place))
    return rows


@lru_cache(maxsize=256)
def _schema(columns: tuple[str, ...]) -> pa.Schema:
    return pa.schema([(column, _public_type(column)) for column in columns])


def _public_type(column: str) -> pa.DataType:
    if column == IS_OPEN:
        return pa.bool_()
    if column in FROM_JSON:
        return ATTRIBUTE_MAP
    if column in _NESTED:
        return _NESTED[column]
    for schema in (SPANS, ORIGINS, LOGS):
        if column in schema.names:
            stored: pa.DataType = schema.field(column).type
            return stored
    raise KeyError(column)


def _column(rows: pa.Table, column: str, kind: pa.DataType) -> Any:
    if column in FROM_JSON:
        return _maps(rows[FROM_JSON[column]])
    if column == IS_OPEN and IS_OPEN not in rows.column_names:
        return _is_open(rows)
    if column == "end_time":
        # Sealed only where it is not start + duration.
        usual = compute.add(rows["start_time"].cast(pa.int64()), rows["duration_ns"]).cast(TIMESTAMP)
        return compute.coalesce(rows["end_time"], usual)
    if column == "attributes" and pa.types.is_list(rows[column].type):
        return _maps_of_lists(rows[column])
    stored: Any = rows[column]
    return stored if stored.type == kind else stored.cast(kind)


def _maps(texts: pa.ChunkedArray[Any]) -> Any:
    """Objects of JSON as maps; there are as many different ones as there are processes that send."""
    values = texts.cast(pa.string()).to_pylist()
    parsed = {text: list(orjson.loads(text).items()) for text in set(values) if text is not None}
    return pa.array([None if text is None else parsed[text] for text in values], ATTRIBUTE_MAP)


def _maps_of_lists(column: pa.ChunkedArray[Any]) -> Any:
    lists: Any = pa.concat_arrays(column.chunks)
    pairs = lists.values
    maps: Any = pa.MapArray
    return maps.from_arrays(lists.offsets, pairs.field("key"), pairs.field("value"))


def _is_open(rows: pa.Table) -> Any:
    is_open = np.zeros(rows.num_rows, np.bool_)
    if "attributes" in rows.column_names:
        attributes = map_of(_column(rows, "attributes", ATTRIBUTE_MAP))
        says = compute.and_(compute.equal(attributes.keys, _STATE_KEY), compute.equal(attributes.items, _OPEN))
        entries = np.flatnonzero(compute.fill_null(says, False).to_numpy(zero_copy_only=False))
        is_open[np.searchsorted(attributes.offsets, entries, "right") - 1] = True
    return pa.array(is_open)
