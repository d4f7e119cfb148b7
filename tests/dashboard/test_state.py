"""The URL and the state are two writings of the same thing, and no link is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quacktrace_dashboard.state import DEFAULT_RANGE, RANGE_CHOICES, TimeRange, ViewState

HOUR_MS = 3_600_000
NOW_MS = 1_795_388_400_000

relative_ranges = st.one_of(
    st.sampled_from(RANGE_CHOICES), st.builds("{}{}".format, st.integers(1, 9999), st.sampled_from("mhd"))
).map(lambda text: TimeRange(relative=text))
absolute_ranges = st.builds(
    lambda start, length: TimeRange(from_ms=start, to_ms=start + length),
    st.integers(0, 10**14),
    st.integers(1, 10**14),
)
texts = st.text(st.characters(codec="utf-8"), min_size=1)
parameters = st.dictionaries(texts.filter(lambda name: name not in {"r", "from", "to"}), texts, max_size=5)
states = st.builds(ViewState, st.one_of(relative_ranges, absolute_ranges), parameters)


@given(states)
def test_a_state_survives_its_link(state: ViewState) -> None:
    assert ViewState.from_search(state.to_search()) == state


@given(st.text())
def test_any_query_string_is_a_state_and_settles_at_once(search: str) -> None:
    state = ViewState.from_search(search)
    assert ViewState.from_search(state.to_search()) == state
    start, end = state.time_range.resolve(NOW_MS)
    assert start < end


def test_the_default_view_has_no_query_string() -> None:
    assert ViewState().to_search() == ""
    assert ViewState.from_search(None) == ViewState()


@pytest.mark.parametrize(
    "search",
    [
        "?r=",
        "?r=0h",
        "?r=1y",
        "?r=12345h",
        "?r=1h2",
        "?from=1",
        "?from=9&to=3",
        "?from=-1&to=5",
        "?from=a&to=b",
        "?r=٣h",
    ],
)
def test_a_mangled_range_becomes_the_default(search: str) -> None:
    assert ViewState.from_search(search).time_range == DEFAULT_RANGE


def test_an_absolute_range_beats_a_relative_one() -> None:
    assert ViewState.from_search("?r=6h&from=10&to=20").time_range == TimeRange(from_ms=10, to_ms=20)


def test_a_relative_range_ends_now() -> None:
    assert ViewState.from_search("?r=6h").time_range.resolve(NOW_MS) == (NOW_MS - 6 * HOUR_MS, NOW_MS)


def test_parameters_are_set_removed_and_left_behind() -> None:
    state = ViewState.from_search("?r=6h&service=cart&q=x")
    assert state.with_params(q=None, status="error").to_search() == "?r=6h&service=cart&status=error"
    assert state.only_range().to_search() == "?r=6h"
    assert state.with_range(1, 2).to_search() == "?from=1&to=2&service=cart&q=x"
