"""The four rollups of a segment or generation, and how rollups of several of them add up.

Rows are sums: a span that arrives later can change what its parent or child counts as, and the part that brings it then
holds rows that correct earlier ones, some of them negative. Only the sum over all parts means something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.schema import TIMESTAMP
from quacktrace_collector.store.rollups.frame import (
    HISTOGRAM,
    TEXT,
    Entries,
    Frame,
    Groups,
    Texts,
    group_rows,
)
from quacktrace_collector.store.rollups.histogram import Integers
from quacktrace_collector.store.rollups.traces import TRACES, merge_traces

RED: Final = pa.schema(
    [
        ("minute", TIMESTAMP),
        ("service_name", TEXT),
        ("name", TEXT),
        ("kind", TEXT),
        ("is_entry", pa.bool_()),
        ("calls", pa.int64()),
        ("errors", pa.int64()),
        ("duration_sum_ns", pa.int64()),
        ("durations", HISTOGRAM),
        ("example_trace_id", pa.string()),
        ("example_score", pa.int64()),
    ]
)
"""Per minute of the start and operation. The example is the longest failing call, else the longest: its score is its
duration in ns, plus 2^62 if it failed; -1 where there is none."""

EDGES: Final = pa.schema(
    [
        ("minute", TIMESTAMP),
        ("client_service", TEXT),
        ("server_service", TEXT),
        ("type", TEXT),
        ("calls", pa.int64()),
        ("errors", pa.int64()),
        ("durations", HISTOGRAM),
    ]
)
INSTANCES: Final = pa.schema(
    [
        ("minute", TIMESTAMP),
        ("service_name", TEXT),
        ("service_version", TEXT),
        ("service_instance_id", TEXT),
        ("last_start_time", TIMESTAMP),
    ]
)
SCHEMAS: Final = {"red": RED, "edges": EDGES, "instances": INSTANCES, "traces": TRACES}
NO_EXAMPLE: Final = -1
FAILED_SCORE: Final = 1 << 62

# By minute first, so that a range of time is a slice.
_RED_KEYS: Final = ("minute", "service_name", "name", "kind", "is_entry")
_EDGE_KEYS: Final = ("minute", "client_service", "server_service", "type")
_INSTANCE_KEYS: Final = ("minute", "service_name", "service_version", "service_instance_id")
_RED_TEXTS: Final = ("service_name", "name", "kind")
_EDGE_TEXTS: Final = ("client_service", "server_service", "type")
_INSTANCE_TEXTS: Final = ("service_name", "service_version", "service_instance_id")


@dataclass(frozen=True, slots=True)
class Rollup:
    """One table each, with the schema of the same name."""

    red: pa.Table
    edges: pa.Table
    instances: pa.Table
    traces: pa.Table

    def tables(self) -> Mapping[str, pa.Table]:
        """By name."""
        return {"red": self.red, "edges": self.edges, "instances": self.instances, "traces": self.traces}


def empty_rollup() -> Rollup:
    """No rows."""
    return Rollup(**{name: schema.empty_table() for name, schema in SCHEMAS.items()})


def merge_rollups(parts: Sequence[Rollup]) -> Rollup:
    """The sum of several parts, which must be neighbours: what they correct in each other is settled here."""
    if len(parts) == 1:
        return parts[0]
    return Rollup(
        red=merge_red([part.red for part in parts]),
        edges=merge_edges([part.edges for part in parts]),
        instances=merge_instances([part.instances for part in parts]),
        traces=merge_traces([part.traces for part in parts]),
    )


def merge_red(tables: Sequence[pa.Table], *, without_minute: bool = False) -> pa.Table:
    """Rows with the same keys added; rows that cancel out are gone."""
    frame = red_frame(tables)
    example_ids = pa.chunked_array([c for table in tables for c in table["example_trace_id"].chunks], pa.string())
    return sum_red(frame, example_ids, without_minute=without_minute)


def sum_entries(red: pa.Table) -> pa.Table:
    """Entry spans by service and minute, as RED with '' for name and kind: a sixth of the rows."""
    frame = red_frame([red])
    example_ids = red["example_trace_id"].filter(pa.array(frame.numbers["is_entry"] != 0))
    return sum_red(entries_of(frame), example_ids)


def entries_of(red: Frame) -> Frame:
    """Rows of entry spans, with '' for name and kind."""
    entry = red.where(red.numbers["is_entry"] != 0)
    nothing = Texts(np.zeros(len(entry), np.int64), [""])
    texts = {"service_name": entry.texts["service_name"], "name": nothing, "kind": nothing}
    return Frame(texts, entry.numbers, entry.entries)


def summed_frame(name: str, frame: Frame, *, without_minute: bool = False) -> Frame:
    """Rows of `red`, `entries`, `edges` or `instances` with the same keys added; rows that cancel out are gone."""
    if name == "edges":
        return edge_frame([sum_edges(frame, without_minute=without_minute)])
    if name == "instances":
        return instance_frame([last_instances(frame, without_minute=without_minute)])
    return red_frame([sum_red(frame, pa.nulls(len(frame), pa.string()), without_minute=without_minute)])


def red_frame(tables: Sequence[pa.Table]) -> Frame:
    """Without the examples' ids."""
    numbers = ("minute", "is_entry", "calls", "errors", "duration_sum_ns", "example_score")
    return Frame.of(tables, _RED_TEXTS, numbers, entries="durations")


def sum_red(frame: Frame, example_ids: Any, *, without_minute: bool = False) -> pa.Table:
    """As a table of RED; `example_ids` has a trace id for each row of the frame."""
    groups = _grouped(frame, _RED_KEYS, without_minute)
    entries, kept = _sums(frame, groups)
    first = groups.first[kept]
    scores = frame.numbers["example_score"]
    example = groups.rows_with(scores, groups.most(scores))[kept]
    return pa.table(
        [
            pa.array(frame.numbers["minute"][first]).cast(TIMESTAMP),
            *(_text(frame, name, first) for name in _RED_TEXTS),
            pa.array(frame.numbers["is_entry"][first] != 0),
            *(pa.array(groups.sums(frame.numbers[name])[kept]) for name in ("calls", "errors", "duration_sum_ns")),
            entries.to_arrow(len(first)),
            example_ids.take(pa.array(example)),
            pa.array(scores[example]),
        ],
        schema=RED,
    )


def merge_edges(tables: Sequence[pa.Table], *, without_minute: bool = False) -> pa.Table:
    """Rows with the same keys added; rows that cancel out are gone."""
    return sum_edges(edge_frame(tables), without_minute=without_minute)


def edge_frame(tables: Sequence[pa.Table]) -> Frame:
    """Rows of all tables."""
    return Frame.of(tables, _EDGE_TEXTS, ("minute", "calls", "errors"), entries="durations")


def sum_edges(frame: Frame, *, without_minute: bool = False) -> pa.Table:
    """As a table of EDGES."""
    groups = _grouped(frame, _EDGE_KEYS, without_minute)
    entries, kept = _sums(frame, groups)
    first = groups.first[kept]
    return pa.table(
        [
            pa.array(frame.numbers["minute"][first]).cast(TIMESTAMP),
            *(_text(frame, name, first) for name in _EDGE_TEXTS),
            *(pa.array(groups.sums(frame.numbers[name])[kept]) for name in ("calls", "errors")),
            entries.to_arrow(len(first)),
        ],
        schema=EDGES,
    )


def merge_instances(tables: Sequence[pa.Table], *, without_minute: bool = False) -> pa.Table:
    """The last start of each instance."""
    return last_instances(instance_frame(tables), without_minute=without_minute)


def instance_frame(tables: Sequence[pa.Table]) -> Frame:
    """Rows of all tables."""
    return Frame.of(tables, _INSTANCE_TEXTS, ("minute", "last_start_time"), entries=None)


def last_instances(frame: Frame, *, without_minute: bool = False) -> pa.Table:
    """As a table of INSTANCES."""
    groups = _grouped(frame, _INSTANCE_KEYS, without_minute)
    first = groups.first
    return pa.table(
        [
            pa.array(frame.numbers["minute"][first]).cast(TIMESTAMP),
            *(_text(frame, name, first) for name in _INSTANCE_TEXTS),
            pa.array(groups.most(frame.numbers["last_start_time"])).cast(TIMESTAMP),
        ],
        schema=INSTANCES,
    )


def _grouped(frame: Frame, keys: Sequence[str], without_minute: bool) -> Groups:
    return group_rows([frame.key(name) for name in keys if not (without_minute and name == "minute")])


def _sums(frame: Frame, groups: Groups) -> tuple[Entries, npt.NDArray[np.bool_]]:
    """Histograms of the groups that remain, and which those are: those that did not cancel out."""
    assert frame.entries is not None
    entries = frame.entries.summed(groups.of_row, len(groups))
    kept = (groups.sums(frame.numbers["calls"]) != 0) | (groups.sums(frame.numbers["errors"]) != 0)
    kept[entries.row] = True
    place = np.cumsum(kept) - 1
    return Entries(place[entries.row], entries.bucket, entries.count), kept


def _text(frame: Frame, name: str, rows: Integers) -> Any:
    texts = frame.texts[name]
    return Texts(texts.codes[rows], texts.values).to_arrow()
