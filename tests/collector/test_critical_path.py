"""Critical path and self time: golden cases, CRISP's own expectations, and properties over random traces."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from quacktrace_collector.diagnose.critical_path import CriticalPath, critical_path
from quacktrace_collector.diagnose.self_time import self_times
from quacktrace_collector.diagnose.trace_tree import TraceTree, build_tree, subtree_sizes

Rows = list[tuple[str, str | None, int, int]]
"""(name, name of the parent, start, end) a span."""


def path_of(spans: Rows, consumers: str = "") -> tuple[str, str]:
    """The names on the path, and its parts as `A 0-10, B 10-20`."""
    names = [name for name, *_ in spans]
    tree, starts, ends = arrays(spans)
    found = critical_path(
        tree, starts, ends, root=0, is_consumer=np.array([name in consumers.split() for name in names], dtype=bool)
    )
    parts = ", ".join(f"{names[row]} {start}-{end}" for row, start, end in found.segments)
    return " ".join(names[row] for row in found.rows), parts


def arrays(spans: Rows) -> tuple[TraceTree, np.ndarray, np.ndarray]:
    names = [name for name, *_ in spans]
    parents = np.array([-1 if parent is None else names.index(parent) for _, parent, *_ in spans], dtype=np.int64)
    starts = np.array([start for *_, start, _ in spans], dtype=np.int64)
    return build_tree(parents, starts), starts, np.array([end for *_, end in spans], dtype=np.int64)


def test_children_one_after_the_other_are_all_on_the_path() -> None:
    assert path_of([("A", None, 0, 100), ("B", "A", 10, 30), ("C", "A", 40, 90)]) == (
        "A C B",
        "A 0-10, B 10-30, A 30-40, C 40-90, A 90-100",
    )


def test_of_parallel_children_only_the_last_to_end_is_on_the_path() -> None:
    assert path_of([("A", None, 0, 100), ("B", "A", 10, 60), ("C", "A", 10, 90)])[1] == "A 0-10, C 10-90, A 90-100"


def test_of_overlapping_children_the_one_that_ended_before_the_later_began_is_on_the_path() -> None:
    spans: Rows = [("A", None, 0, 80), ("B", "A", 10, 30), ("C", "A", 20, 45), ("D", "A", 40, 65)]
    assert path_of(spans) == ("A D B", "A 0-10, B 10-30, A 30-40, D 40-65, A 65-80")


def test_a_gap_between_children_is_the_parents_own() -> None:
    assert path_of([("A", None, 0, 100), ("B", "A", 0, 10), ("C", "A", 90, 100)])[1] == "B 0-10, A 10-90, C 90-100"


def test_a_child_that_outlives_its_parent_counts_up_to_the_parents_end() -> None:
    assert path_of([("A", None, 0, 100), ("B", "A", 10, 170)])[1] == "A 0-10, B 10-100"


def test_a_consumer_that_outlives_its_producer_was_not_waited_for() -> None:
    spans: Rows = [("A", None, 0, 100), ("B", "A", 10, 170), ("C", "B", 20, 160)]
    assert path_of(spans, consumers="B") == ("A", "A 0-100")


def test_a_consumer_that_ends_within_its_producer_was_waited_for() -> None:
    assert path_of([("A", None, 0, 100), ("B", "A", 10, 70)], consumers="B")[0] == "A B"


def test_a_child_that_starts_after_its_parent_ended_is_left_out() -> None:
    assert path_of([("A", None, 0, 100), ("B", "A", 110, 160), ("C", "B", 120, 150)]) == ("A", "A 0-100")


def test_a_child_whose_clock_is_ahead_counts_from_its_parents_start() -> None:
    assert path_of([("A", None, 100, 200), ("B", "A", 80, 150)])[1] == "B 100-150, A 150-200"


def test_a_child_whose_clock_puts_it_before_its_parent_is_left_out() -> None:
    assert path_of([("A", None, 100, 200), ("B", "A", 20, 90)]) == ("A", "A 100-200")


def test_siblings_that_overlap_by_less_than_one_percent_follow_each_other() -> None:
    spans: Rows = [("A", None, 0, 1000), ("B", "A", 0, 505), ("C", "A", 500, 1000)]
    assert path_of(spans) == ("A C B", "B 0-500, C 500-1000")


def test_a_small_overlap_with_a_third_sibling_in_it_is_concurrency() -> None:
    spans: Rows = [("A", None, 0, 1000), ("B", "A", 0, 505), ("C", "A", 500, 1000), ("D", "A", 502, 600)]
    assert path_of(spans)[0] == "A C"


def test_a_span_of_no_duration_is_on_the_path_without_a_part_of_it() -> None:
    assert path_of([("A", None, 0, 100), ("B", "A", 50, 50)]) == ("A B", "A 0-50, A 50-100")


@pytest.mark.parametrize("number", range(1, 26))
def test_path_equals_what_crisp_finds(number: int, test_data: Path) -> None:
    folder = test_data / "real_otlp" / "crisp_jaeger"
    expected = json.loads((folder / "EXPECTED_critical_path.json.txt").read_text())[f"{number}.json"]
    spans = jaeger_spans(folder / f"{number}.json")
    names, parts = path_of(spans)
    assert names.split() == expected["critical_path"]
    assert sum(end - start for start, end in part_times(parts)) == expected["root_duration"]


def jaeger_spans(path: Path) -> Rows:
    (trace,) = json.loads(path.read_text())["data"]
    return [
        (
            span["spanID"],
            next((reference["spanID"] for reference in span.get("references", [])), None),
            span["startTime"],
            span["startTime"] + span["duration"],
        )
        for span in trace["spans"]
    ]


def part_times(parts: str) -> list[tuple[int, int]]:
    return [(int(start), int(end)) for start, end in (part.split()[1].split("-") for part in parts.split(", "))]


@pytest.mark.parametrize("seed", range(30))
def test_parts_of_any_trace_tile_its_root_exactly(seed: int) -> None:
    tree, starts, ends = random_trace(seed)
    found = critical_path(tree, starts, ends, root=0, is_consumer=np.zeros(len(starts), dtype=bool))
    cursor = int(starts[0])
    for _, start, end in found.segments:
        assert start == cursor
        assert end > start
        cursor = end
    assert cursor == ends[0]
    assert len(set(found.rows)) == len(found.rows)
    assert_parents_come_first(found, tree)


@pytest.mark.parametrize("seed", range(30))
def test_self_times_equal_counting_each_moment(seed: int) -> None:
    tree, starts, ends = random_trace(seed)
    naive = [
        sum(
            not any(starts[child] <= moment < ends[child] for child in np.flatnonzero(tree.parent == row))
            for moment in range(starts[row], ends[row])
        )
        for row in range(len(starts))
    ]
    assert self_times(tree.parent, starts, ends).tolist() == naive


def random_trace(seed: int) -> tuple[TraceTree, np.ndarray, np.ndarray]:
    """Children may start before, overlap and outlive their parents."""
    chosen = random.Random(seed)
    parents, starts, ends = [-1], [0], [chosen.randint(1, 300)]
    for row in range(1, chosen.randint(1, 40)):
        parent = chosen.randrange(row)
        start = starts[parent] + chosen.randint(-10, 120)
        parents.append(parent)
        starts.append(start)
        ends.append(start + chosen.choice([0, 1, 5, 40, 150]))
    start_ns = np.array(starts, dtype=np.int64)
    return build_tree(np.array(parents, dtype=np.int64), start_ns), start_ns, np.array(ends, dtype=np.int64)


def assert_parents_come_first(found: CriticalPath, tree: TraceTree) -> None:
    seen: set[int] = set()
    for row in found.rows:
        assert row == 0 or int(tree.parent[row]) in seen
        seen.add(row)


def test_self_time_is_exact_beyond_what_a_double_holds() -> None:
    far = 2**62
    parents = np.array([-1, 0, 0], dtype=np.int64)
    starts = np.array([0, 1, far - 3], dtype=np.int64)
    ends = np.array([far, far - 5, far + 9], dtype=np.int64)
    assert self_times(parents, starts, ends).tolist() == [3, far - 6, 12]


def test_tree_is_depth_first_with_siblings_by_start() -> None:
    parents = np.array([-1, 0, 0, 1, -1, 1], dtype=np.int64)
    tree = build_tree(parents, np.array([5, 30, 20, 31, 1, 30], dtype=np.int64))
    assert tree.order.tolist() == [4, 0, 2, 1, 5, 3]
    assert tree.depth.tolist() == [0, 1, 1, 2, 0, 2]
    assert subtree_sizes(tree).tolist() == [5, 3, 1, 1, 1, 1]


def test_cycles_lose_the_parent_of_their_earliest_span() -> None:
    #         0 -> 1 -> 2 -> 0, 3 below 0, 4 its own parent, 5 a root
    parents = np.array([1, 2, 0, 0, 4, -1], dtype=np.int64)
    tree = build_tree(parents, np.array([7, 6, 8, 9, 1, 0], dtype=np.int64))
    assert np.flatnonzero(tree.repaired).tolist() == [1, 4]
    assert tree.order.tolist() == [5, 4, 1, 0, 2, 3]
    assert tree.parent.tolist() == [1, -1, 0, 0, -1, -1]


def test_a_chain_of_fifty_thousand_spans_does_not_recurse() -> None:
    count = 50_000
    starts = np.arange(count, dtype=np.int64)
    tree = build_tree(starts - 1, starts)
    ends = np.full(count, 2 * count, dtype=np.int64)
    assert tree.depth[-1] == count - 1
    assert len(critical_path(tree, starts, ends, root=0, is_consumer=np.zeros(count, dtype=bool)).rows) == count
    assert self_times(tree.parent, starts, ends)[0] == 1
