"""What sets some spans apart from others: values that they have more or less often, and numbers that differ."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from quacktrace_collector.diagnose.significance import discoveries, rank_p_value, share_p_value
from quacktrace_collector.diagnose.span_columns import Numbers
from quacktrace_collector.query.conditions import Conditions
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import format_time
from quacktrace_collector.store import Store
from quacktrace_collector.time_range import TimeRange

# The newest of a range: finding the matching ones and reading what they have takes 3 µs of CPU a span of the range.
MOST_SPANS: Final = 600_000
# Of each side: a difference of 2 % is sure with so many.
_MOST_READ: Final = 20_000
# One of a hundred that are shown may be chance.
_FALSE_SHARE: Final = 0.01
# What is significant and smaller than this is true and of no use.
_SMALLEST_DIFFERENCE: Final = 0.02
_SMALLEST_SHIFT: Final = 0.05
_MOST_VALUES: Final = 200
# A key with more different numbers than this is compared by rank, not by value.
_MOST_CODES: Final = 25
_NUMERIC_SHARE: Final = 0.9
DURATION: Final = "duration_ms"


@dataclass(frozen=True, slots=True)
class Side:
    """Some spans, and the range in which they start."""

    range: TimeRange
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class _Totals:
    selected: int
    usual: int


def compare(store: Store, selection: Side, baseline: Side, *, given: Collection[str] = ()) -> dict[str, Any]:
    """The answer of `/compare`; spans of both sides belong to the selection alone.

    `given` are intrinsic keys that are not worth telling, because the selection was made by them.
    """
    read = _reader(store, selection, baseline)
    counts = read(Query.COMPARE_COUNTS, {}).to_pylist()[0]
    one_in, usual_one_in = (max(-(-counts[side] // _MOST_READ), 1) for side in ("selected", "others"))
    table = read(Query.COMPARE_VALUES, {"one_in": one_in, "usual_one_in": usual_one_in})
    rows = table.to_pylist()
    total = next(row for row in rows if row["scope"] == "total")
    totals = _Totals(total["selected"], total["usual"])
    told = [row for row in rows if row["scope"] != "total" and (row["scope"] != "intrinsic" or row["key"] not in given)]
    values, numbers = _split(told)
    return {
        "selection": _described(selection, counts["selected"], totals.selected, one_in),
        "baseline": _described(baseline, counts["others"], totals.usual, usual_one_in),
        "not_enough_because": _not_enough(totals),
        "values": _differing_values(values, totals),
        "numbers": _differing_numbers(numbers),
    }


def _reader(store: Store, selection: Side, baseline: Side) -> Callable[[Query, dict[str, int]], pa.Table]:
    # The values of both were bound under the same names.
    baseline_sql = baseline.conditions.sql.replace("$condition_", "$usual_condition_")
    parameters = {
        **selection.conditions.parameters,
        **{f"usual_{name}": value for name, value in baseline.conditions.parameters.items()},
        "from_ns": selection.range.from_ns,
        "to_ns": selection.range.to_ns,
        "usual_from_ns": baseline.range.from_ns,
        "usual_to_ns": baseline.range.to_ns,
    }
    both = TimeRange(
        min(selection.range.from_ns, baseline.range.from_ns), max(selection.range.to_ns, baseline.range.to_ns)
    )

    def read(query: Query, more: dict[str, int]) -> pa.Table:
        sql = query.sql.replace("{selection}", f"({selection.conditions.sql})").replace(
            "{baseline}", f"({baseline_sql})"
        )
        return store.query(sql, {**parameters, **more}, time_range=both)

    return read


def _described(side: Side, spans: int, spans_read: int, one_in: int) -> dict[str, Any]:
    return {
        "from": format_time(side.range.from_ns),
        "to": format_time(side.range.to_ns),
        "spans": spans,
        "spans_read": spans_read,
        "one_span_in": one_in,
    }


def _not_enough(totals: _Totals) -> str | None:
    for count, which in ((totals.selected, "selection"), (totals.usual, "baseline")):
        if not count:
            return f"the {which} has no spans"
    return None


def _split(rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]:
    """Rows to compare by value, and those of keys that are many different numbers."""
    by_key: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        by_key.setdefault((row["scope"], row["key"]), []).append(row)
    values, numbers = [], []
    for of_key in by_key.values():
        finite = [row for row in of_key if row["number"] is not None and np.isfinite(row["number"])]
        is_measured = of_key[0]["key"] == DURATION or len(finite) > _MOST_CODES
        if is_measured and len(finite) >= _NUMERIC_SHARE * len(of_key):
            numbers.append(finite)
        else:
            values += of_key
    return values, numbers


def _differing_values(rows: Sequence[dict[str, Any]], totals: _Totals) -> list[dict[str, Any]]:
    p_values = [share_p_value(row["selected"], totals.selected, row["usual"], totals.usual) for row in rows]
    found = discoveries(np.array(p_values), false_share=_FALSE_SHARE).tolist()
    answers = []
    for row, p_value, is_found in zip(rows, p_values, found, strict=True):
        share, usual_share = row["selected"] / max(totals.selected, 1), row["usual"] / max(totals.usual, 1)
        if is_found and abs(share - usual_share) >= _SMALLEST_DIFFERENCE:
            answers.append(
                {
                    "scope": row["scope"],
                    "key": row["key"],
                    "value": row["value"],
                    "spans": row["selected"],
                    "share": share,
                    "baseline_spans": row["usual"],
                    "baseline_share": usual_share,
                    "difference": share - usual_share,
                    "odds_ratio": _odds(row["selected"], totals.selected) / _odds(row["usual"], totals.usual),
                    "p_value": p_value,
                }
            )
    answers.sort(key=lambda one: (-abs(one["difference"]), one["p_value"], one["key"], one["value"]))
    return answers[:_MOST_VALUES]


def _odds(hits: int, tries: int) -> float:
    return (hits + 0.5) / (tries - hits + 0.5)


def _differing_numbers(keys: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    answers = []
    for rows in keys:
        numbers, counts, usual_counts = (
            np.array([row[name] for row in rows], dtype=np.float64) for name in ("number", "selected", "usual")
        )
        p_value, chance = rank_p_value(numbers, counts, usual_counts)
        answers.append(
            {
                "scope": rows[0]["scope"],
                "key": rows[0]["key"],
                "spans": int(counts.sum()),
                "baseline_spans": int(usual_counts.sum()),
                "p50": _quantile(numbers, counts, 0.5),
                "p95": _quantile(numbers, counts, 0.95),
                "baseline_p50": _quantile(numbers, usual_counts, 0.5),
                "baseline_p95": _quantile(numbers, usual_counts, 0.95),
                "greater_in": chance,
                "p_value": p_value,
            }
        )
    found = discoveries(np.array([one["p_value"] for one in answers]), false_share=_FALSE_SHARE).tolist()
    shown = [
        one
        for one, is_found in zip(answers, found, strict=True)
        if is_found and abs(one["greater_in"] - 0.5) >= _SMALLEST_SHIFT
    ]
    return sorted(shown, key=lambda one: (-abs(one["greater_in"] - 0.5), one["key"]))[:_MOST_VALUES]


def _quantile(numbers: Numbers, counts: Numbers, share: float) -> float | None:
    if not counts.sum():
        return None
    order = np.argsort(numbers, kind="stable")
    reached = np.searchsorted(np.cumsum(counts[order]), share * counts.sum())
    return float(numbers[order][min(int(reached), len(numbers) - 1)])
