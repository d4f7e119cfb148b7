"""Puts the relations `spans` and `logs` of a snapshot in front of a query."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import pyarrow as pa

from quacktrace_collector.feed_reader import FEED_SCHEMAS, RecordBatches
from quacktrace_collector.store.sealed.attribute_rows import AttributeValue, rows_with_attribute
from quacktrace_collector.store.snapshot import Snapshot
from quacktrace_collector.store.trace_reader import read_traces
from quacktrace_collector.store.views import PUBLIC_COLUMNS, Kind, hot_relation, sealed_relation
from quacktrace_collector.time_range import TimeRange

_KINDS: Final[tuple[Kind, ...]] = ("spans", "logs")
_LEADING_COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*\n)+")
_WITH = re.compile(r"\A(with\s+(?:recursive\s+)?)", re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*")
# `select * from (…)` asks for the columns that are named inside.
_STAR = re.compile(r"(?:\bselect\s+(?:distinct\s+)?|,\s*)(?:\w+\.)?\*(?!\s*from\s*\()|\A\s*from\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Composed:
    """A statement, and the hot rows to register under the names that it uses."""

    sql: str
    tables: Mapping[str, RecordBatches]


def compose(
    sql: str,
    snapshot: Snapshot,
    time_range: TimeRange | None,
    trace_ids: Sequence[str] = (),
    attribute: AttributeValue | None = None,
) -> Composed:
    """`sql` with the snapshot's relations as its first common table expressions, only those it names."""
    rows = _Wanted(snapshot, time_range, trace_ids, attribute)
    body = _LEADING_COMMENTS.sub("", sql)
    tables: dict[str, RecordBatches] = {}
    relations = ", ".join(
        f"{kind} as not materialized ({_relation(kind, columns, rows, tables)})" for kind, columns in _read_by(body)
    )
    if relations:
        head = _WITH.match(body)
        body = f"{head.group(1)}{relations}, {body[head.end() :]}" if head else f"with {relations} {body}"
    return Composed(body, tables)


@dataclass(frozen=True, slots=True)
class _Wanted:
    snapshot: Snapshot
    time_range: TimeRange | None
    trace_ids: Sequence[str]
    attribute: AttributeValue | None


def _relation(kind: Kind, columns: Sequence[str], wanted: _Wanted, tables: dict[str, RecordBatches]) -> str:
    """SQL for all rows of this kind, less those that cannot be of the range or the traces or have the attribute."""
    snapshot, time_range = wanted.snapshot, wanted.time_range
    if wanted.trace_ids:
        found = read_traces(snapshot, kind, wanted.trace_ids, columns, time_range)
        tables[f"_{kind}_of_traces"] = RecordBatches(found.table)
        parts, files = [f"from _{kind}_of_traces"], found.to_scan
    else:
        parts, files = _hot_relations(kind, columns, snapshot, time_range, tables), snapshot.files(kind, time_range)
        if wanted.attribute is not None and kind == "spans":
            rows = {path: rows_with_attribute(path, wanted.attribute, columns, time_range) for path in files}
            files = [path for path, table in rows.items() if table is None]
            if len(files) < len(rows):
                with_attribute = pa.concat_tables([table for table in rows.values() if table is not None])
                tables["_spans_with_attribute"] = RecordBatches(with_attribute)
                parts.append("from _spans_with_attribute")
    if files:
        parts.append(sealed_relation(kind, files, columns=columns))
    if not parts:
        # Without any data there are still columns.
        rows_name, origins_name = f"_no_{kind}", "_no_origins"
        for name, schema in ((rows_name, FEED_SCHEMAS[kind]), (origins_name, FEED_SCHEMAS["origins"])):
            tables[name] = RecordBatches(schema.empty_table())
        parts.append(hot_relation(kind, rows_name, origins_name, columns=columns))
    return " union all ".join(parts)


def _hot_relations(
    kind: Kind,
    columns: Sequence[str],
    snapshot: Snapshot,
    time_range: TimeRange | None,
    tables: dict[str, RecordBatches],
) -> list[str]:
    parts = []
    for generation in snapshot.hot:
        if not generation.holds(kind, time_range):
            continue
        hot = generation.rows.read(kind, generation.feed)
        if hot.rows.num_rows:
            rows_name, origins_name = f"_{kind}_{generation.generation_id}", f"_origins_{generation.generation_id}"
            tables[rows_name], tables[origins_name] = RecordBatches(hot.rows), RecordBatches(hot.origins)
            parts.append(hot_relation(kind, rows_name, origins_name, columns=columns))
    return parts


@lru_cache(maxsize=512)
def _read_by(body: str) -> tuple[tuple[Kind, tuple[str, ...]], ...]:
    """The relations that a query reads, and their columns that it names: binding each costs DuckDB 0.1 ms."""
    text = _COMMENT.sub("", body)
    has_star = _STAR.search(text) is not None
    words = frozenset(re.findall(r"\w+", text))
    # A query that only counts rows names no column.
    return tuple(
        (kind, columns if has_star else tuple(name for name in columns if name in words) or columns[:1])
        for kind in _KINDS
        if kind in words
        for columns in (PUBLIC_COLUMNS[kind],)
    )
