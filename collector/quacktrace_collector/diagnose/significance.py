"""Whether two groups differ by more than chance: p values, and what is left of them when many are asked for."""

from __future__ import annotations

import math

import numpy as np

from quacktrace_collector.diagnose.span_columns import Flags, Numbers

# Below this expected count the approximation of the G-test is off, and Fisher's test is exact and quick.
_SMALL = 5


def share_p_value(hits: int, tries: int, usual_hits: int, usual_tries: int) -> float:
    """The chance of shares that differ as much between groups that are alike: the G-test, of few Fisher's."""
    cells = (hits, tries - hits, usual_hits, usual_tries - usual_hits)
    total, all_hits = tries + usual_tries, hits + usual_hits
    if min(tries, usual_tries) == 0 or all_hits in (0, total):
        return 1.0
    expected = [row * column / total for row in (tries, usual_tries) for column in (all_hits, total - all_hits)]
    if min(expected) < _SMALL:
        return _fisher(hits, tries, all_hits, total)
    statistic = 2 * sum(cell * math.log(cell / usual) for cell, usual in zip(cells, expected, strict=True) if cell)
    return math.erfc(math.sqrt(max(statistic, 0) / 2))


def _fisher(hits: int, tries: int, all_hits: int, total: int) -> float:
    """Two-sided: the sum of all tables that are no likelier than this one."""
    lowest, highest = max(0, all_hits - (total - tries)), min(all_hits, tries)
    logs = [
        _log_choose(all_hits, one) + _log_choose(total - all_hits, tries - one) - _log_choose(total, tries)
        for one in range(lowest, highest + 1)
    ]
    limit = logs[hits - lowest] + 1e-7
    return min(1.0, sum(math.exp(one) for one in logs if one <= limit))


def _log_choose(of: int, chosen: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(chosen + 1) - math.lgamma(of - chosen + 1)


def rank_p_value(values: Numbers, counts: Numbers, usual_counts: Numbers) -> tuple[float, float]:
    """Mann and Whitney's test over distinct values and how often each occurs: the p value, and the chance that one of
    the first group is greater than one of the second."""
    order = np.argsort(values, kind="stable")
    now, usual = counts[order], usual_counts[order]
    n, m = float(now.sum()), float(usual.sum())
    if not n or not m:
        return 1.0, 0.5
    both = now + usual
    ranks = np.cumsum(both) - (both - 1) / 2
    above = float((now * ranks).sum()) - n * (n + 1) / 2
    total = n + m
    ties = float((both**3 - both).sum()) / (total * max(total - 1, 1))
    deviation = math.sqrt(max(n * m / 12 * (total + 1 - ties), 0))
    if deviation == 0:
        return 1.0, 0.5
    return math.erfc(abs(above - n * m / 2) / deviation / math.sqrt(2)), above / (n * m)


def discoveries(p_values: Numbers, *, false_share: float) -> Flags:
    """Benjamini and Hochberg's procedure: of those that are True at most this share is expected to be chance."""
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    passing = np.flatnonzero(p_values[order] <= false_share * np.arange(1, count + 1) / max(count, 1))
    found = np.zeros(count, np.bool_)
    if len(passing):
        found[order[: passing[-1] + 1]] = True
    return found
