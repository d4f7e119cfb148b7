"""Self time: a span's duration minus the time that at least one of its children covers."""

from __future__ import annotations

import numpy as np

from quacktrace_collector.diagnose.trace_tree import Rows


def self_times(parent: Rows, start_ns: Rows, end_ns: Rows) -> Rows:
    """Nanoseconds by row; children are clipped to their parent, so a child that outlives it takes nothing more."""
    own = end_ns - start_ns
    rows = np.flatnonzero(parent >= 0)
    if not len(rows):
        return own
    rows = rows[np.lexsort((start_ns[rows], parent[rows]))]
    above = parent[rows]
    start = np.clip(start_ns[rows], start_ns[above], end_ns[above])
    end = np.clip(end_ns[rows], start_ns[above], end_ns[above])
    covered_until = _running_maximum(above, end)
    is_first = np.diff(above, prepend=-1) != 0
    previous = np.where(is_first, start, np.roll(covered_until, 1))
    np.subtract.at(own, above, np.maximum(end - np.maximum(start, previous), 0))
    return own


def _running_maximum(group: Rows, values: Rows) -> Rows:
    """The largest value so far within each run of equal groups.

    Ranks stand in for the nanoseconds: rank plus group times the count stays within int64 where a time would not.
    """
    by_value = np.argsort(values, kind="stable")
    rank = np.empty(len(values), dtype=np.int64)
    rank[by_value] = np.arange(len(values))
    offset = np.cumsum(np.diff(group, prepend=group[:1]) != 0) * len(values)
    largest = np.maximum.accumulate(rank + offset) - offset
    running: Rows = values[by_value[largest]]
    return running
