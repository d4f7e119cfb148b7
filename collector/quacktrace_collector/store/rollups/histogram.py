"""Latency histograms that merge by addition, and the one function that reads percentiles from them.

Bucket b counts durations in (2^(b/8), 2^((b+1)/8)] ns, as the SQL view `red` does: OpenTelemetry's exponential
histogram at scale 3. A percentile is the middle of its bucket, so it is within 4.4 % of the true one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

_PER_OCTAVE: Final = 8
LOWEST: Final = -1
"""The bucket of durations up to 1 ns."""
WIDTH: Final = 512
"""Buckets there can be: 2^63 ns lies in bucket 503."""
_MIDDLE: Final = 2 / (1 + 2 ** (1 / _PER_OCTAVE))


def bucket_of(duration_ns: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """The bucket of each duration."""
    buckets: npt.NDArray[np.int16] = (np.ceil(np.log2(np.maximum(duration_ns, 1)) * _PER_OCTAVE) - 1).astype(np.int16)
    return buckets


def middle_ns(bucket: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The duration that stands for all in the bucket: as far from one bound as from the other, relative to it."""
    middles: npt.NDArray[np.float64] = np.exp2((bucket + 1) / _PER_OCTAVE) * _MIDDLE
    return middles


def upper_bound_ns(bucket: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The longest duration in the bucket."""
    bounds: npt.NDArray[np.float64] = np.exp2((bucket + 1) / _PER_OCTAVE)
    return bounds


def dense(group: Integers, bucket: npt.NDArray[Any], count: Integers, groups: int) -> Integers:
    """Counts as `[group, bucket - LOWEST]`; what corrections made negative reads as none."""
    cells = group * WIDTH + (bucket - LOWEST)
    summed = np.bincount(cells, weights=count, minlength=groups * WIDTH)
    counts: Integers = np.maximum(summed, 0).astype(np.int64).reshape(groups, WIDTH)
    return counts


def quantiles_ns(counts: Integers, quantiles: Sequence[float]) -> npt.NDArray[np.float64]:
    """`[group, quantile]` of dense counts; nan for an empty group.

    Interpolated between neighbouring ranks, as SQL's quantile_cont does.
    """
    used = np.flatnonzero(counts.any(axis=0))
    if not len(used):
        return np.full((len(counts), len(quantiles)), np.nan)
    first, last = int(used[0]), int(used[-1])
    reached = counts[:, first : last + 1].cumsum(axis=1)
    total = reached[:, -1]
    middles = middle_ns(np.arange(first, last + 1) + LOWEST)
    columns = []
    for quantile in quantiles:
        rank = np.maximum(total - 1, 0) * quantile
        below, above = (middles[(reached > edge(rank)[:, None]).argmax(axis=1)] for edge in (np.floor, np.ceil))
        columns.append(np.where(total > 0, below + (above - below) * (rank % 1), np.nan))
    return np.stack(columns, axis=1)
