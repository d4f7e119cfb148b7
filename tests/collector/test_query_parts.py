"""The parts that queries are made of: SQL files, search language, times, durations, buckets."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quacktrace_collector.api.answers import accepts_gzip
from quacktrace_collector.errors import BadRequestError
from quacktrace_collector.query.buckets import buckets
from quacktrace_collector.query.durations import parse_duration
from quacktrace_collector.query.search_language import parse_search
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.timestamps import EARLIEST_NS, LATEST_NS, format_time, parse_time
from quacktrace_collector.query.traces import TraceFilter, find_traces
from quacktrace_collector.query.window import Window
from quacktrace_collector.time_range import TimeRange


def test_every_sql_file_has_a_name_and_every_name_a_file() -> None:
    folder = files("quacktrace_collector.query").joinpath("sql")
    assert {file.name for file in folder.iterdir()} == {f"{query.value}.sql" for query in Query}


@given(st.text())
def test_any_text_is_a_search_or_a_bad_request(text: str) -> None:
    try:
        search = parse_search(text)
    except BadRequestError:
        return
    for value in search.span.parameters.values():
        assert not isinstance(value, str) or value not in search.span.sql or len(value) < 12


HOSTILE = (
    "' or 1=1 --",
    "name:' or 1=1 --",
    'service:"x\') union select * from spans --"',
    "a]['b:c",
    "$1:$2",
    "x:{matching}",
    "{order}",
    "a:\\",
    "\\%",
    "*" * 200,
    "k:" + "*a" * 500,
    "duration:>99999999999999999m",
    "n:>1e308",
    "n:>nan",
    "n:<inf",
    "n:>=-1e400",
    "trace_id:*",
    "status_message:\u202e\u0000".replace("\u0000", ""),
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_searches_are_answered(span_store: Any, new_span: Any, text: str) -> None:
    span_store.add(new_span(1, 1, name="plain"))
    wanted = [TraceFilter(span=case.span) for case in parse_search(text).cases]
    window = Window(0, LATEST_NS, span_store.store.data_range())
    assert find_traces(span_store.store, window, wanted, limit=10, order="newest").truncated is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("1795388400000", 1_795_388_400_000_000_000),
        ("2026-11-22T23:00:00Z", 1_795_388_400_000_000_000),
        ("2026-11-22T23:00:00.123456789Z", 1_795_388_400_123_456_789),
        ("2026-11-22T23:00:00", 1_795_388_400_000_000_000),
        ("2026-11-22 23:00:00Z", 1_795_388_400_000_000_000),
        ("2026-11-23T00:30:00+01:30", 1_795_388_400_000_000_000),
        ("2026-11-23T00:30:00 01:30", 1_795_388_400_000_000_000),
        ("2026-11-22T18:00:00-0500", 1_795_388_400_000_000_000),
        ("2026-11-22", 1_795_388_400_000_000_000 - 23 * 3600 * 10**9),
        ("9" * 25, LATEST_NS),
        ("-" + "9" * 25, EARLIEST_NS),
        ("9999-12-31T00:00:00Z", LATEST_NS),
        ("0001-01-01T00:00:00Z", EARLIEST_NS),
    ],
)
def test_times_are_read(text: str, expected: int) -> None:
    assert parse_time(text) == expected


@given(st.integers(min_value=0, max_value=LATEST_NS))
def test_times_read_back_as_written(time_ns: int) -> None:
    assert parse_time(format_time(time_ns)) == time_ns


@given(st.text())
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        assert EARLIEST_NS <= parse_time(text) <= LATEST_NS
    except ValueError:
        return


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250us", 250_000),
        ("250µs", 250_000),
        ("200ms", 200_000_000),
        ("1.5s", 1_500_000_000),
        ("2m", 120_000_000_000),
        ("1h", 3_600_000_000_000),
        ("7ns", 7),
        (" 3 s ", 3_000_000_000),
    ],
)
def test_durations_are_read_with_their_unit(text: str, expected: int) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "5", "ms", "-1s", "1,5s", "1e3s", "٣s", "1d", "s1"])
def test_a_duration_without_a_number_or_unit_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="unit"):
        parse_duration(text)


@given(
    st.integers(min_value=0, max_value=LATEST_NS),
    st.integers(min_value=0, max_value=LATEST_NS),
    st.integers(min_value=1, max_value=200),
)
def test_buckets_cover_the_range_and_are_never_more_than_asked_for(one: int, other: int, most: int) -> None:
    from_ns, to_ns = min(one, other), max(one, other)
    cut = buckets(Window(from_ns, to_ns, TimeRange(from_ns, to_ns)), most=most)
    assert 1 <= cut.count <= most
    assert cut.origin_ns <= from_ns
    assert cut.origin_ns + cut.count * cut.length_ns >= to_ns


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("identity", False),
        ("", False),
    ],
)
def test_compression_is_offered_only_to_who_accepts_it(header: str, expected: bool) -> None:
    assert accepts_gzip(header) is expected
