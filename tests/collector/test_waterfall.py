"""The waterfall: what a trace looks like in columns, for any spans that telemetry may hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from quacktrace_collector.errors import NotFoundError
from quacktrace_collector.query import waterfall as columns
from quacktrace_collector.query.trace_context import load_trace_context
from quacktrace_collector.query.trace_spans import load_trace_spans
from quacktrace_collector.store import Store


def draw(store: Store, trace: int = 1, *, most_spans: int = columns.MOST_SPANS) -> dict[str, Any]:
    """The waterfall as a client reads it."""
    trace_id = f"{trace:032x}"
    spans = load_trace_spans(store, trace_id)
    context = load_trace_context(store, trace_id, spans)
    drawn = columns.waterfall(trace_id, spans, context, most_spans=most_spans)
    decoded: dict[str, Any] = orjson.loads(orjson.dumps(drawn, option=orjson.OPT_SERIALIZE_NUMPY))
    return decoded


def names(drawn: dict[str, Any]) -> list[str]:
    return [drawn["names"][code] for code in drawn["name"]]


def rows_with(drawn: dict[str, Any], flag: int) -> list[str]:
    return [name for name, flags in zip(names(drawn), drawn["flags"], strict=True) if flags & flag]


def test_rows_are_depth_first_with_siblings_by_start(span_store: Any, new_span: Any) -> None:
    span_store.add(
        new_span(1, 4, 1, name="late", start_ms=50, service="cart"),
        new_span(1, 3, 2, name="below", start_ms=12),
        new_span(1, 2, 1, name="early", start_ms=10, duration_ms=20),
        new_span(1, 1, name="root", duration_ms=100, kind="SERVER", status="ERROR"),
    )
    drawn = draw(span_store.store)
    assert names(drawn) == ["root", "early", "below", "late"]
    assert drawn["parent"] == [-1, 0, 1, 0]
    assert drawn["depth"] == [0, 1, 2, 1]
    assert drawn["start"] == [0, 10_000, 12_000, 50_000]
    assert drawn["dur_us"] == [100_000, 20_000, 10_000, 10_000]
    assert drawn["self_us"] == [70_000, 10_000, 10_000, 10_000]
    assert drawn["sid"] == "".join(f"{span:016x}" for span in (1, 2, 3, 4))
    assert [drawn["services"][code] for code in drawn["svc"]] == ["shop", "shop", "shop", "cart"]
    assert drawn["service_self_us"] == [90_000, 10_000]
    assert (drawn["kind"], drawn["status"], drawn["error_count"]) == ([2, 1, 1, 1], [2, 0, 0, 0], 1)
    assert (drawn["root_service_name"], drawn["root_name"], drawn["root_duration_us"]) == ("shop", "root", 100_000)
    assert (drawn["t0_ns"], drawn["dur"], drawn["n"], drawn["total"]) == ("1795388400000000000", 100_000, 4, 4)
    assert (drawn["complete"], drawn["truncated"], drawn["warnings"]) == (True, False, [])


def test_what_a_database_was_asked_rides_along_shortened(span_store: Any, new_span: Any) -> None:
    long = {"db.query.text": "select " + "x" * 300}
    span_store.add(
        new_span(1, 1, name="root"),
        new_span(1, 2, 1, name="old", start_ms=1, attributes={"db.statement": "select 1"}),
        new_span(1, 3, 1, name="new", start_ms=2, attributes=long),
    )
    drawn = draw(span_store.store)
    assert [drawn["query_texts"][code] for code in drawn["query_text"]] == ["", "select 1", "select " + "x" * 193]


def test_critical_path_is_marked_and_its_parts_tile_the_root(span_store: Any, new_span: Any) -> None:
    span_store.add(
        new_span(1, 1, name="root", duration_ms=100),
        new_span(1, 2, 1, name="short", start_ms=10, duration_ms=20),
        new_span(1, 3, 1, name="long", start_ms=10, duration_ms=80),
    )
    drawn = draw(span_store.store)
    assert rows_with(drawn, columns.CRITICAL) == ["root", "long"]
    assert drawn["crit"] == [[0, 0, 10_000], [names(drawn).index("long"), 10_000, 90_000], [0, 90_000, 100_000]]


def test_a_span_whose_parent_never_arrived_is_an_orphan(span_store: Any, new_span: Any) -> None:
    span_store.add(new_span(1, 1, name="root"), new_span(1, 3, 2, name="orphan", start_ms=3, duration_ms=90))
    drawn = draw(span_store.store)
    assert rows_with(drawn, columns.ORPHAN) == ["orphan"]
    assert (drawn["complete"], drawn["parent"], drawn["depth"]) == (False, [-1, -1], [0, 0])
    assert drawn["warnings"] == ["1 span whose parent never arrived"]
    assert drawn["root_name"] == "root"


def test_a_trace_of_orphans_has_no_root_but_a_critical_path(span_store: Any, new_span: Any) -> None:
    span_store.add(new_span(1, 3, 2, name="one"), new_span(1, 5, 4, name="two", start_ms=5, duration_ms=90))
    drawn = draw(span_store.store)
    assert (drawn["root_name"], drawn["root_service_name"], drawn["root_duration_us"]) == (None, None, None)
    assert rows_with(drawn, columns.CRITICAL) == ["two"]


def test_cycles_and_own_parents_are_repaired_and_said(span_store: Any, new_span: Any) -> None:
    span_store.add(
        new_span(1, 1, 2, name="a", start_ms=1),
        new_span(1, 2, 1, name="b", start_ms=2),
        new_span(1, 3, 3, name="own", start_ms=3),
    )
    drawn = draw(span_store.store)
    assert sorted(names(drawn)) == ["a", "b", "own"]
    assert rows_with(drawn, columns.CYCLE_REPAIRED) == ["a", "own"]
    assert rows_with(drawn, columns.ORPHAN) == []
    assert drawn["warnings"] == ["2 spans that were their own ancestor, shown without parent"]


def test_a_clock_that_is_off_is_flagged_and_shown_as_sent(span_store: Any, new_span: Any) -> None:
    span_store.add(
        new_span(1, 1, name="root", start_ms=20, duration_ms=10), new_span(1, 2, 1, name="skewed", start_ms=0)
    )
    drawn = draw(span_store.store)
    assert rows_with(drawn, columns.SKEWED) == ["skewed"]
    assert drawn["start"] == [20_000, 0]
    assert drawn["warnings"] == ["1 span that start before their parent: clocks differ, shown as sent"]


def test_links_logs_and_unfinished_spans_are_flagged(span_store: Any, new_span: Any, new_log: Any) -> None:
    span_store.add(
        new_span(1, 1, name="root"),
        new_span(1, 2, 1, name="linking", links=[(7, 8)]),
        new_span(1, 3, 1, name="open", attributes={"quacktrace.span.state": "open"}),
    )
    span_store.add_logs(new_log("hello", trace=1, span=1), new_log("elsewhere", trace=2, span=2))
    drawn = draw(span_store.store)
    assert rows_with(drawn, columns.HAS_LINKS) == ["linking"]
    assert rows_with(drawn, columns.HAS_LOGS) == ["root"]
    assert rows_with(drawn, columns.UNFINISHED) == ["open"]


def test_at_most_twenty_events_a_span_are_drawn_exceptions_first(span_store: Any, new_span: Any) -> None:
    ticks = [("tick", float(tick), {}) for tick in range(30)]
    span_store.add(
        new_span(1, 1, name="root", duration_ms=100, events=[*ticks, ("exception", 90.5, {})]),
        new_span(1, 2, 1, name="child", start_ms=1, events=[("sent", 2.0, {})]),
    )
    drawn = draw(span_store.store)
    of_root = [event for event in drawn["events"] if event[0] == 0]
    assert len(of_root) == columns.MOST_EVENTS_PER_SPAN
    assert [of_root[-1][1], drawn["event_names"][of_root[-1][2]]] == [90_500, "exception"]
    assert [event[1:] for event in drawn["events"] if event[0] == 1] == [[2_000, drawn["event_names"].index("sent")]]


def test_nanoseconds_become_fractions_of_microseconds(span_store: Any, new_span: Any) -> None:
    span_store.add(new_span(1, 1, duration_ms=0.0015), new_span(1, 2, 1, start_ms=0.0005, duration_ms=0.001))
    drawn = draw(span_store.store)
    assert drawn["start"] == [0, 0.5]
    assert drawn["dur_us"] == [1.5, 1]


def test_of_a_large_trace_the_largest_subtrees_are_shown_with_all_their_parents(span_store: Any, new_span: Any) -> None:
    leaves = [new_span(1, 100 + leaf, 1, name="leaf", start_ms=leaf) for leaf in range(20)]
    chain = [new_span(1, 2 + step, 1 + step, name="chain", start_ms=50) for step in range(10)]
    span_store.add(new_span(1, 1, name="root", duration_ms=100), *leaves, *chain)
    drawn = draw(span_store.store, most_spans=11)
    assert (drawn["n"], drawn["total"], drawn["truncated"]) == (11, 31, True)
    assert names(drawn) == ["root", "leaf", *["chain"] * 9]
    assert all(parent < row for row, parent in enumerate(drawn["parent"]))
    assert drawn["warnings"] == ["the 11 spans of the largest subtrees out of 31"]
    assert all(0 <= row < 11 for row, *_ in drawn["crit"])


def test_a_trace_that_is_not_stored_is_not_found(span_store: Any) -> None:
    with pytest.raises(NotFoundError):
        draw(span_store.store, trace=5)


def test_sealed_spans_are_drawn_like_hot_ones(span_store: Any, new_span: Any, sealed: Any) -> None:
    span_store.add(new_span(1, 1, name="root", events=[("tick", 1.0, {})]), new_span(1, 2, 1, links=[(1, 1)]))
    hot = draw(span_store.store)
    sealed()
    assert draw(span_store.store) == hot


def test_fifty_thousand_spans_in_one_chain_are_drawn(span_store: Any, new_span: Any) -> None:
    spans = [new_span(1, span, span - 1 or None, duration_ms=5, start_ms=span * 0.001) for span in range(1, 50_001)]
    span_store.add(*spans)
    drawn = draw(span_store.store)
    assert drawn["depth"] == list(range(50_000))
    assert drawn["parent"] == list(range(-1, 49_999))
    assert np.array(drawn["flags"]).any()
