"""Sealed spans with one attribute: the dictionary of a row group's attribute values tells whether it has any.

As SQL over maps this costs 1.2 µs a span, because the keys of every span are searched; here a row group in which the
value does not occur costs 0.04, and one in which it does 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from quacktrace_collector.store.public_rows import FROM_JSON, public_rows, public_schema
from quacktrace_collector.store.rollups.frame import compute, map_of
from quacktrace_collector.store.rollups.histogram import Integers
from quacktrace_collector.store.sealed.dictionary_pages import may_hold
from quacktrace_collector.store.sealed.footers import SealedFile, sealed_file
from quacktrace_collector.time_range import TimeRange

# Where so many have it, DuckDB's own scan does better than copies of their rows.
_COMMON_SHARE: Final = 8
_FEW_GROUPS: Final = 8
_KEYS: Final = "attributes.key_value.key"
_VALUES: Final = "attributes.key_value.value"


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """What a span's attributes have to hold."""

    key: str
    value: str


def rows_with_attribute(
    path: Path, wanted: AttributeValue, columns: Sequence[str], time_range: TimeRange | None
) -> pa.Table | None:
    """Public columns of these spans; None where they are so many that a scan does better.

    `time_range` leaves out row groups that have nothing in it, it filters no rows.
    """
    groups = sealed_file(path).row_groups_within(time_range)
    if len(groups) < _FEW_GROUPS:
        return _read(path, groups, wanted, columns)
    # Decoding lets go of the interpreter's lock.
    with ThreadPoolExecutor(2) as pool:
        halves = list(pool.map(lambda part: _read(path, part, wanted, columns), (groups[::2], groups[1::2])))
    tables = [table for table in halves if table is not None]
    return pa.concat_tables(tables) if len(tables) == len(halves) else None


def _read(path: Path, groups: list[int], wanted: AttributeValue, columns: Sequence[str]) -> pa.Table | None:
    file = sealed_file(path)
    stored = {FROM_JSON.get(column, column) for column in columns} | {"attributes"}
    if "end_time" in stored:
        stored |= {"start_time", "duration_ns"}
    found = [public_schema(columns).empty_table()]
    groups = _groups_with(file, groups, wanted)
    if not groups:
        return public_schema(columns).empty_table()
    footer, numbers = file.footer(groups)
    with pq.ParquetFile(path, metadata=footer, read_dictionary=file.dictionaries) as opened:
        for number in numbers:
            table = opened.read_row_group(number, columns=sorted(stored), use_threads=False)
            rows = _rows_with(table["attributes"], wanted)
            if len(rows) * _COMMON_SHARE > table.num_rows:
                return None
            if len(rows):
                found.append(public_rows(table.take(rows), columns))
    return pa.concat_tables(found)


def _groups_with(file: SealedFile, groups: list[int], wanted: AttributeValue) -> list[int]:
    """Those that have the key and the value somewhere."""
    with file.path.open("rb", buffering=0) as opened:
        fd = opened.fileno()
        return [
            group
            for group in groups
            if may_hold(fd, file.dictionary_pages[_VALUES][group], wanted.value)
            and may_hold(fd, file.dictionary_pages[_KEYS][group], wanted.key)
        ]


def _rows_with(column: pa.ChunkedArray[Any], wanted: AttributeValue) -> Integers:
    """Numbers of the rows whose map has the entry."""
    found, start = [np.empty(0, np.int64)], 0
    for chunk in column.chunks:
        maps = map_of(chunk)
        entries = np.flatnonzero(_is(maps.items, wanted.value))
        if len(entries):
            has_key = _is(maps.keys.take(pa.array(entries)), wanted.key)
            found.append(np.searchsorted(maps.offsets, entries[has_key], "right") - 1 + start)
        start += len(chunk)
    return np.unique(np.concatenate(found))


def _is(texts: Any, wanted: str) -> Any:
    """Whether each is the text; compares it with the distinct ones only."""
    if not pa.types.is_dictionary(texts.type):
        return compute.fill_null(compute.equal(texts, wanted), False).to_numpy(zero_copy_only=False)
    # Not index_in, which would make a hash table of the whole dictionary.
    code = compute.index(texts.dictionary, wanted).as_py()
    if code < 0:
        return np.zeros(len(texts), np.bool_)
    return compute.fill_null(compute.equal(texts.indices, code), False).to_numpy(zero_copy_only=False)
