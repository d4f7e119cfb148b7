"""Means of many groups at once that a few outliers cannot move, and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quacktrace_collector.diagnose.span_columns import Numbers
from quacktrace_collector.diagnose.trace_tree import Rows

# A tenth at each end: a handful of outliers cannot move the mean, a fault that slows one call in four does.
TRIMMED: Final = 0.1


@dataclass(frozen=True, slots=True)
class Means:
    """Position i of every column is group i; of an empty one every number is 0."""

    count: Rows
    mean: Numbers
    """Without the tenth at each end."""
    variance: Numbers
    """Of that mean, from the winsorised values; infinite below two values."""
    median: Numbers


def trimmed_means(group: Rows, values: Numbers, *, groups: int, trimmed: float = TRIMMED) -> Means:
    """The means of `values` by group, by sorting once."""
    count = np.bincount(group, minlength=groups)
    if not len(values):
        nothing = np.zeros(groups)
        return Means(count, nothing, np.full(groups, np.inf), nothing)
    ordered = values[np.lexsort((values, group))]
    first = np.cumsum(count) - count
    cut = np.floor(count * trimmed).astype(np.int64)
    low, high = first + cut, first + count - cut
    kept = np.maximum(high - low, 1)
    mean = _sums(ordered, low, high) / kept
    # What is cut off counts as the last value that is not.
    off_centre = (ordered - np.repeat(mean, count)) ** 2
    inner = np.clip(np.stack([low, high - 1]), 0, len(ordered) - 1)
    spread = _sums(off_centre, low, high) + cut * off_centre[inner].sum(axis=0)
    scale = (1 - 2 * trimmed) ** 2 * np.maximum(count * (count - 1), 1)
    return Means(
        count=count,
        mean=mean,
        variance=np.where(count > 1, spread / scale, np.inf),
        median=np.where(count > 0, ordered[np.minimum(first + count // 2, len(ordered) - 1)], 0.0),
    )


def _sums(values: Numbers, low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]) -> Numbers:
    total = np.concatenate(([0.0], np.cumsum(values)))
    sums: Numbers = total[high] - total[low]
    return sums
