"""Spans of two windows of time as columns: what the comparisons of a diagnosis read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from quacktrace_collector.diagnose.self_time import self_times
from quacktrace_collector.diagnose.trace_tree import Rows

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]

# A chain of calls that is longer is not followed to its end.
_LONGEST_CHAIN: Final = 100
# Of a call's time, for it to be within another span.
_WITHIN: Final = 0.9
# A table of all values that may occur is quicker than sorting as long as it is small.
_MOST_TABLE_CELLS: Final = 1 << 20


@dataclass(frozen=True)
class ComparedSpans:
    """Row i of every column is the same span; services, operations and traces are numbered from 0."""

    services: Sequence[str]
    operations: Sequence[str]
    """The names; an operation belongs to one service, so that a name may be there twice."""
    operation_service: Rows
    """By operation."""
    service: Rows
    operation: Rows
    parent: Rows
    """Row of the parent, -1 for none and for one that is not among the spans."""
    trace: Rows
    start_ns: Rows
    end_ns: Rows
    failed: Flags
    is_consumer: Flags
    peer: Rows
    """The address that a client asks, as a number; -1 where it does not say."""
    is_current: Flags
    """In the window that is diagnosed; else in its baseline."""

    @cached_property
    def rows_with_parent(self) -> Rows:
        """Rows whose parent is among the spans."""
        return np.flatnonzero(self.parent >= 0)

    @cached_property
    def trace_ns(self) -> Numbers:
        """By trace: the duration of its longest topmost span."""
        longest = np.zeros(int(self.trace.max(initial=-1)) + 1)
        top = self.parent < 0
        np.maximum.at(longest, self.trace[top], (self.end_ns - self.start_ns)[top].astype(np.float64))
        return longest

    @cached_property
    def own_ns(self) -> Numbers:
        """By row: the time that no child covers.

        A child lasts until what it called ended: a reactive client's span ends before the answer comes, and the wait
        would be its parent's.
        """
        until = self.end_ns.copy()
        rows = self.rows_with_parent[~self.is_consumer[self.rows_with_parent]]
        for _ in range(_LONGEST_CHAIN):
            rows = rows[until[rows] > self.end_ns[self.parent[rows]]]
            later = rows[until[rows] > until[self.parent[rows]]]
            if not len(later):
                break
            np.maximum.at(until, self.parent[later], until[later])
        until = np.where(self.parent < 0, self.end_ns, until)
        return np.maximum(self_times(self._parent_in_time(), self.start_ns, until), 0).astype(np.float64)

    def _parent_in_time(self) -> Rows:
        """By row: the parent; of a call that lies within a sibling that has no children, that sibling.

        A reactive server's span of its handler does not become the parent of the calls that it waits for.
        """
        rows = self.rows_with_parent
        has_children = np.zeros(len(self.parent), np.bool_)
        has_children[self.parent[rows]] = True
        leaves = rows[~has_children[rows] & (self.callee[rows] < 0)]
        longest = np.full(len(self.parent), -1, np.int64)
        ascending = leaves[np.argsort((self.end_ns - self.start_ns)[leaves], kind="stable")]
        longest[self.parent[ascending]] = ascending
        calls = rows[has_children[rows] & (self.callee[rows] >= 0)]
        around = longest[self.parent[calls]]
        is_within = (around >= 0) & (self.service[around] == self.service[calls])
        within = np.minimum(self.end_ns[around], self.end_ns[calls]) - self.start_ns[calls]
        is_within &= self.start_ns[around] <= self.start_ns[calls]
        is_within &= within >= _WITHIN * (self.end_ns - self.start_ns)[calls]
        parent = self.parent.copy()
        parent[calls[is_within]] = around[is_within]
        return parent

    @cached_property
    def callee(self) -> Rows:
        """By row: the service that the span only waits for, -1 where it works itself.

        That is the service of its children if all are of one other service; of a span without children that of its
        operation, if whoever of that has children waits for the same one.
        """
        none, several = -1, -2
        rows = self.rows_with_parent
        lowest, highest = _extremes(self.parent[rows], self.service[rows], groups=len(self.parent))
        has_children = highest != none
        waits = has_children & (lowest == highest) & (highest != self.service)
        of_row = np.where(waits, highest, np.where(has_children, several, none))
        low, high = _extremes(self.operation[has_children], of_row[has_children], groups=len(self.operations))
        usual = np.where((low == high) & (high >= 0), high, none)
        return np.maximum(np.where(has_children, of_row, usual[self.operation]), none)


def numbered(values: Rows, *, below: int) -> tuple[Rows, Rows]:
    """The distinct values, ascending, and which of them each row has; all are from 0 to `below`."""
    if below > max(_MOST_TABLE_CELLS, len(values)):
        distinct, rows = np.unique(values, return_inverse=True)
        return distinct, rows
    distinct = np.flatnonzero(np.bincount(values, minlength=below))
    number = np.zeros(below, np.int64)
    number[distinct] = np.arange(len(distinct))
    return distinct, number[values]


def _extremes(group: Rows, values: Rows, *, groups: int) -> tuple[Rows, Rows]:
    """The least and the greatest of each group; of an empty one the second is -1."""
    lowest, highest = np.full(groups, np.iinfo(np.int64).max), np.full(groups, -1, np.int64)
    np.minimum.at(lowest, group, values)
    np.maximum.at(highest, group, values)
    return lowest, highest
