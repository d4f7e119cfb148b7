"""The heatmaps as plain dicts, and the SQL texts behind the panels."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from quacktrace_dashboard.figures.error_heatmap import MAX_SERVICES, error_heatmap
from quacktrace_dashboard.figures.latency_heatmap import latency_heatmap
from quacktrace_dashboard.links import trace_link, traces_link
from quacktrace_dashboard.pages.error_groups import sparkline
from quacktrace_dashboard.pages.latency_box import box_of
from quacktrace_dashboard.show_sql import panel_link
from quacktrace_dashboard.state import TimeRange, ViewState

ZONE = ZoneInfo("Europe/Berlin")
HOSTILE = '<b onclick="x">\'; drop table spans; --'


def hotspots(**changes: Any) -> dict[str, Any]:
    return {
        "bucket_s": 60.0,
        "times": ["2026-11-23T10:00:00.000000000Z", "2026-11-23T10:01:00.000000000Z"],
        "errors": {"services": [HOSTILE, "cart"], "calls": [[10, 0], [5, 5]], "errors": [[4, 0], [0, 0]]},
        "latency": {"bounds_ms": [1.0, 10.0, 100.0], "counts": [[0, 0], [9, 3], [0, 0]]},
        **changes,
    }


def test_time_is_drawn_in_the_viewers_zone() -> None:
    trace = error_heatmap(hotspots(), ZONE)["data"][0]
    assert trace["x"][0].startswith("2026-11-23T11:00:00")
    assert len(trace["x"]) == 3


def test_no_calls_are_a_hole_and_no_errors_a_zero() -> None:
    assert error_heatmap(hotspots(), ZONE)["data"][0]["z"] == [[0.4, None], [0.0, 0.0]]


def test_names_cannot_write_plotlys_markup() -> None:
    figure = error_heatmap(hotspots(), ZONE)
    assert "<" not in figure["layout"]["yaxis"]["ticktext"][0]
    assert "<" not in figure["data"][0]["customdata"][0][0][0]


def test_a_thousand_services_draw_only_the_worst() -> None:
    many = {"services": [f"s{i}" for i in range(1000)], "calls": [[1, 1]] * 1000, "errors": [[0, 1]] * 1000}
    assert len(error_heatmap(hotspots(errors=many), ZONE)["data"][0]["z"]) == MAX_SERVICES


def test_latency_is_cropped_to_what_is_there() -> None:
    figure = latency_heatmap(hotspots(), ZONE)
    assert figure["data"][0]["y"] == [0.0, 1.0]
    assert figure["layout"]["yaxis"]["ticktext"] == ["1 ms", "10 ms"]


def test_a_narrow_range_of_latencies_has_marks_within_it() -> None:
    narrow = {"bounds_ms": [30.0, 60.0], "counts": [[0, 0], [9, 3]]}
    axis = latency_heatmap(hotspots(latency=narrow), ZONE)["layout"]["yaxis"]
    assert "50 ms" in axis["ticktext"]


def test_a_box_in_the_link_is_drawn_where_it_was_dragged() -> None:
    state = ViewState.from_search("?x0=1795428000000&x1=1795428060000&y0=10&y1=100")
    box = box_of(state)
    assert box is not None
    (drawn,) = latency_heatmap(hotspots(), ZONE, box=box.figure_range(ZONE))["layout"]["selections"]
    assert (drawn["x0"], drawn["y0"], drawn["y1"]) == ("2026-11-23T11:00:00.000000", 1.0, 2.0)
    for nonsense in (
        "x0=2&x1=1&y0=1&y1=2",
        "x0=1&x1=2&y0=0&y1=2",
        "x0=1&x1=2",
        "x0=a&x1=2&y0=1&y1=nan",
        f"x0=1&x1={10**15 - 1}&y0=1&y1=2",
    ):
        assert box_of(ViewState.from_search(nonsense)) is None


def test_latency_without_calls_is_an_empty_picture() -> None:
    empty = {"bounds_ms": [1.0, 10.0], "counts": [[0, 0], [0, 0]]}
    assert latency_heatmap(hotspots(latency=empty), ZONE)["data"][0]["z"] == []


@pytest.mark.parametrize("series", [[], [0, 0], [0, 3, 9], [1]])
def test_a_sparkline_is_one_element_whatever_the_series(series: list[int]) -> None:
    bars = sparkline(series).children
    assert bars.style["clipPath"].startswith(("polygon(0% 100%", "none"))


def test_links_keep_the_range_and_escape_names() -> None:
    state = ViewState(TimeRange(from_ms=1, to_ms=2), {"q": "gone"})
    link = traces_link(state, service=HOSTILE, status=None)
    assert link.startswith("/traces?from=1&to=2&service=%3Cb")
    assert "gone" not in link
    assert "status" not in link
    assert trace_link("ab" * 16, span_id="cd" * 8) == f"/trace/{'ab' * 16}?span={'cd' * 8}"
    link = panel_link("operations", from_=1, to=2, service=HOSTILE, direction=None)
    assert parse_qs(urlsplit(link).query) == {
        "panel": ["operations"],
        "from": ["1"],
        "to": ["2"],
        "service": [HOSTILE],
    }
