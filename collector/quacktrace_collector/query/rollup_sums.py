"""Rows of rollups added up by what an answer groups by, with percentiles from their histograms.

Rollups are sums with corrections (see store.rollups.tables): a group whose calls cancel out has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quacktrace_collector.store.rollups.frame import Frame, Groups, group_rows
from quacktrace_collector.store.rollups.histogram import Integers, dense, quantiles_ns


@dataclass(frozen=True, slots=True)
class Sums:
    """Groups of a frame's rows; every array has an element a group."""

    frame: Frame
    groups: Groups
    calls: Integers
    errors: Integers

    def texts(self, name: str, chosen: Integers) -> list[str]:
        """The text that all rows of each of these groups have."""
        texts = self.frame.texts[name]
        return [texts.values[code] for code in texts.codes[self.groups.first[chosen]].tolist()]

    def histograms(self, chosen: Integers, rows: npt.NDArray[np.bool_] | None = None) -> Integers:
        """Dense histograms `[position in chosen, bucket]` of these groups, of only some rows if told so.

        Made for the chosen ones, as a dense one is 4 KiB and there may be as many operations as someone invents.
        """
        entries = self.frame.entries
        if entries is None:
            raise ValueError("the frame has no histograms")
        position = np.full(len(self.groups), -1, dtype=np.int64)
        position[chosen] = np.arange(len(chosen))
        place = position[self.groups.of_row[entries.row]]
        kept = place >= 0 if rows is None else (place >= 0) & rows[entries.row]
        return dense(place[kept], entries.bucket[kept], entries.count[kept], len(chosen))

    def red(self, chosen: Integers, percentiles: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
        """`calls`, `errors` and the named percentiles in milliseconds of these groups; no calls have none."""
        quantiles = quantiles_ns(self.histograms(chosen), [share for _, share in percentiles]) / 1e6
        names = [name for name, _ in percentiles]
        return [
            {
                "calls": calls,
                "errors": errors,
                **{name: value if calls > 0 else None for name, value in zip(names, values, strict=True)},
            }
            for calls, errors, values in zip(
                self.calls[chosen].tolist(), self.errors[chosen].tolist(), quantiles.tolist(), strict=True
            )
        ]


def sum_by(frame: Frame, keys: Sequence[str]) -> Sums:
    """Group by these columns."""
    groups = group_rows([frame.key(name) for name in keys])
    calls, errors = (np.maximum(groups.sums(frame.numbers[name]), 0) for name in ("calls", "errors"))
    return Sums(frame, groups, calls, errors)
