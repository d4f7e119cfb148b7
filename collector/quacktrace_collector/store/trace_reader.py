"""All rows of a few traces, without DuckDB where it is known where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from quacktrace_collector.schema import OPEN_STATE_KEY
from quacktrace_collector.store.public_rows import IS_OPEN, public_rows, public_schema, with_origins
from quacktrace_collector.store.sealed.rows import sealed_rows
from quacktrace_collector.store.sealed.trace_places import keys_of, row_groups_with
from quacktrace_collector.store.snapshot import Snapshot
from quacktrace_collector.store.views import Kind
from quacktrace_collector.time_range import TimeRange

# More are better scanned than read one by one.
_MOST_ROW_GROUPS: Final = 64


@dataclass(frozen=True, slots=True)
class TraceRows:
    """What was found, and the files that only a scan can tell about."""

    table: pa.Table
    to_scan: list[Path]


def read_traces(
    snapshot: Snapshot, kind: Kind, trace_ids: Sequence[str], columns: Sequence[str], time_range: TimeRange | None
) -> TraceRows:
    """Public columns of the traces' rows, in any order; `time_range` leaves out files, it filters no rows."""
    found, to_scan = [], []
    for generation in snapshot.hot:
        if generation.holds(kind, time_range):
            hot = generation.rows.read(kind, generation.feed).of_traces(trace_ids)
            if hot.rows.num_rows:
                found.append(public_rows(with_origins(hot.rows, hot.origins, columns), columns))
    keys = keys_of(trace_ids)
    for path in snapshot.files(kind, time_range):
        groups = row_groups_with(path.parent, kind, keys)
        if groups is None or len(groups) > _MOST_ROW_GROUPS:
            to_scan.append(path)
        elif groups:
            found.append(sealed_rows(path, groups, trace_ids, columns))
    if not found:
        return TraceRows(public_schema(columns).empty_table(), to_scan)
    return TraceRows(found[0] if len(found) == 1 else pa.concat_tables(found), to_scan)


def scanned_expression(column: str) -> str:
    """The same column where a scan has to find the rows."""
    if column == IS_OPEN:
        return f"coalesce(attributes['{OPEN_STATE_KEY}'], '') = 'open' as {IS_OPEN}"
    return f'"{column}"'
