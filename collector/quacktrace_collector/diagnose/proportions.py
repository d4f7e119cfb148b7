"""How much larger one proportion surely is than another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quacktrace_collector.diagnose.span_columns import Numbers


def sure_increase(
    hits: npt.ArrayLike, tries: npt.ArrayLike, usual_hits: npt.ArrayLike, usual_tries: npt.ArrayLike, *, sureness: float
) -> Numbers:
    """The lower end of the interval for the difference of the two proportions, `sureness` standard errors below; ≥ 0.

    A success and a failure are added to either side (Agresti and Caffo, "Simple and Effective Confidence Intervals for
    Proportions", 2000), so that nothing is sure of a few tries.
    """
    now, usual = _padded(hits, tries), _padded(usual_hits, usual_tries)
    error = np.sqrt(now[0] * (1 - now[0]) / now[1] + usual[0] * (1 - usual[0]) / usual[1])
    return np.maximum(now[0] - usual[0] - sureness * error, 0.0)


def _padded(hits: npt.ArrayLike, tries: npt.ArrayLike) -> tuple[Numbers, Numbers]:
    padded = np.asarray(tries, dtype=np.float64) + 2
    return (np.asarray(hits, dtype=np.float64) + 1) / padded, padded
