"""Failures beside the spans are what the SQL views and macros say of the spans themselves."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quacktrace_collector.decode import Decoded, decode_spans
from quacktrace_collector.query.error_groups import error_groups
from quacktrace_collector.query.window import Window
from quacktrace_collector.sql.library import View, with_views
from quacktrace_collector.store import Store
from quacktrace_collector.store.hot.generation import origins_table
from quacktrace_collector.store.rollups.error_index import add_errors_file, load_errors
from quacktrace_collector.store.rollups.error_rows import FILE, ErrorRows, errors_of_spans
from quacktrace_collector.store.rollups.error_texts import common_message, stack_lines
from quacktrace_collector.store.sealed.merge import merge
from quacktrace_collector.store.views import hot_relation
from quacktrace_collector.time_range import TimeRange

from .conftest import BASE_NS, RECEIVED_AT_NS, SpanRow, SpanStore, span_hex, spans_request, trace_hex

ALWAYS = TimeRange(-(2**62), 2**62)
MACRO = files("quacktrace_collector.sql.library").joinpath("macros", "error_groups.sql").read_text("utf-8")
PIECES = (
    *("'", '"', " ", "\n", "(", "=", ":", "x", "can't", "Ärger", "\v", "\t", "0x1f", "abcdef0123456789", "_"),
    *("12.5", "7", "1.2.3", "123e4567-e89b-12d3-a456-426614174000", "‹n›", "é", ","),
)
STACK_PIECES = (
    *("\n", " ", "\t", 'File "/app/a.py", line 3, in f', "at shop.Cart.add(Cart.java:12)", "main.go:12 +0x1"),
    *("/srv/x.go:1", "Error: at x", "\r", "\v", "x"),
)
EVENTS: tuple[tuple[tuple[str, float, dict[str, object]], ...], ...] = (
    (),
    (("exception", 1, {"exception.type": "Locked", "exception.message": "row 18 is locked"}),),
    (
        ("exception", 1, {"exception.type": "First", "exception.message": "lost"}),
        ("exception", 2, {"exception.type": "", "exception.stacktrace": 'File "/app/a.py", line 3, in f'}),
        ("note", 3, {"exception.type": "no exception"}),
    ),
    (("exception", 1, {"exception.message": ""}),),
    (("note", 1, {}),),
)
ATTRIBUTES: tuple[dict[str, object], ...] = (
    {},
    {"error.type": "Refused"},
    {"error.type": ""},
    {"http.response.status_code": 503},
)


def sql_messages(messages: list[str]) -> list[str]:
    found = re.search(r"(regexp_replace\(.*?'‹n›',\s*'g'\s*\)) as message", MACRO, re.DOTALL)
    assert found
    with duckdb.connect() as connection:
        query = f"select {found[1]} from (select unnest($messages)[:2000] as message)"
        return [row[0] for row in connection.execute(query, {"messages": messages}).fetchall()]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join), min_size=5, max_size=40)
)
def test_messages_lose_what_the_macro_takes_from_them(messages: list[str]) -> None:
    messages = [message.replace("\0", "").encode("utf-8", "ignore").decode() for message in messages]
    assert [common_message(message) for message in messages] == sql_messages(messages)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(STACK_PIECES), max_size=30).map("".join))
def test_stacks_keep_the_lines_that_name_a_place(stack: str) -> None:
    pattern = r'(?m)^[ \t]*(?:File "[^"\n]*", line \d+, in [^\n]*|at [^\n]*|\S+\.go:\d+[^\n]*)$'
    with duckdb.connect() as connection:
        query = "select array_to_string(regexp_extract_all($stack, $pattern)[:200], chr(10))"
        expected = connection.execute(query, {"stack": stack, "pattern": pattern}).fetchall()
    assert [(stack_lines(stack),)] == expected


@st.composite
def failures(draw: st.DrawFn) -> list[SpanRow]:
    keys = draw(st.lists(st.tuples(st.integers(1, 2), st.integers(1, 9)), min_size=1, max_size=14, unique=True))
    return [
        SpanRow(
            trace=trace,
            span=span,
            parent=draw(st.none() | st.integers(1, 9)),
            service=draw(st.sampled_from("ab")),
            start_ms=span,
            status=draw(st.sampled_from(["ERROR", "ERROR", "OK", "UNSET"])),
            status_message=draw(st.sampled_from(["", "failed 3 times"])),
            attributes=draw(st.sampled_from(ATTRIBUTES)),
            resource=draw(st.sampled_from([{}, {"service.version": "2", "service.instance.id": "i-1"}])),
            events=draw(st.sampled_from(EVENTS)),
        )
        for trace, span in keys
    ]


def of_views(spans: Decoded) -> list[Any]:
    """What the SQL view says of the origins, messages not reduced."""
    with duckdb.connect() as connection:
        connection.register("_spans", spans.table)
        connection.register("_origins", origins_table(list(spans.origins.values())))
        views = with_views([View.ERRORS]).removeprefix("with ")
        return connection.sql(
            f"with spans as ({hot_relation('spans', '_spans', '_origins')}), {views} select trace_id, span_id,"
            " epoch_ns(start_time), service_name, operation, service_version, service_instance_id,"
            " coalesce(nullif(exception_type, ''), 'HTTP ' || http_response_status_code, ''),"
            " coalesce(exception_message, ''), coalesce(exception_stacktrace, '')"
            " from errors where is_origin order by all"
        ).fetchall()


def of_rows(rows: ErrorRows) -> list[Any]:
    origins = rows.at(rows.are_origins().nonzero()[0])
    found = []
    for row in range(len(origins)):
        service, kind, message, frames = origins.keys[origins.key[row]]
        trace_id = f"{int(origins.trace_high[row]):016x}{int(origins.trace_low[row]):016x}"
        ids = (trace_id, f"{int(origins.span_id[row]):016x}", int(origins.start_ns[row]))
        found.append((*ids, service, *origins.places[origins.place[row]], kind, message, frames))
    return sorted(found)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=failures())
def test_hot_and_sealed_failures_are_those_of_the_view(
    rows: list[SpanRow], tmp_path_factory: pytest.TempPathFactory
) -> None:
    decoded = decode_spans([spans_request(rows)], received_at_ns=RECEIVED_AT_NS)
    expected = [(*row[:-2], common_message(row[-2]), stack_lines(row[-1])) for row in of_views(decoded)]
    folder: Path = tmp_path_factory.mktemp("errors")
    store = Store(folder)
    store.append(decoded, None)
    assert of_rows(store.error_rows(ALWAYS)) == sorted(expected)
    store.seal_now()
    store.close()
    store = Store(folder, generation_spans=1)
    store.append(decode_spans([spans_request([SpanRow(9, 9)])], received_at_ns=RECEIVED_AT_NS), None)
    assert of_rows(store.error_rows(ALWAYS)) == sorted(expected)
    store.close()


def test_failures_survive_merging_and_a_lost_file(span_store: SpanStore, sealed: Any, tmp_path: Path) -> None:
    for span in (1, 2):
        parent = None if span == 1 else 1
        span_store.add(SpanRow(1, span, parent, status="ERROR", start_ms=span, events=EVENTS[1]))
        sealed()
    segments = span_store.store.segments
    expected = of_rows(span_store.store.error_rows(ALWAYS))
    assert [row[1] for row in expected] == [span_hex(2)]
    (tmp_path / "merged").mkdir()
    merged = merge(segments, tmp_path / "merged")
    assert of_rows(ErrorRows.of(load_errors(merged))) == expected
    kept = load_errors(merged)
    (merged.path / FILE).unlink()
    assert of_rows(ErrorRows.of(errors_of_spans(merged.spans_path))) == expected
    add_errors_file(merged)
    assert load_errors(merged).equals(kept)


def test_a_group_names_the_roots_that_it_broke(span_store: SpanStore, sealed: Any) -> None:
    for trace in (1, 2, 3):
        status = "ERROR" if trace == 1 else "UNSET"
        span_store.add(SpanRow(trace, 1, None, "web", "GET /", "SERVER", status=status, start_ms=trace))
        if trace == 2:
            sealed()
        span_store.add(SpanRow(trace, 2, 1, "cart", "add", status="ERROR", start_ms=trace, events=EVENTS[1]))
    window = Window(BASE_NS, BASE_NS + 10**9, span_store.store.data_range())
    (group,) = error_groups(span_store.store, window, service=None, limit=5)
    assert (group["count"], group["traces"], group["message"]) == (3, 3, "row ‹n› is locked")
    assert group["entry_points"] == [{"service_name": "web", "operation": "GET /", "traces": 3, "failed": 1}]
    assert (group["example_trace_id"], group["example_span_id"]) == (trace_hex(3), span_hex(2))
    assert error_groups(span_store.store, window, service="web", limit=5) == []
