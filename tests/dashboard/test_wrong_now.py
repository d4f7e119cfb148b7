"""What the first page calls wrong, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from quacktrace_dashboard.percentiles import histogram_percentile, percentile_series
from quacktrace_dashboard.wrong_now import Problem, end_of_data, error_change, find_problems, start_of_data

BEFORE = [{"service_name": "payment", "calls": 1000}]


def row(service: str = "payment", operation: str = "POST /charge", **changes: Any) -> dict[str, Any]:
    usual = {
        "service_name": service,
        "operation": operation,
        "kind": "SERVER",
        "calls": 1000,
        "errors": 2,
        "p95_ms": 20.0,
        "previous_calls": 1000,
        "previous_errors": 2,
        "previous_p95_ms": 20.0,
        "time_lost_ms": 0.0,
    }
    return {**usual, **changes}


def group(service: str, operation: str, count: int) -> dict[str, Any]:
    return {"service_name": service, "operation": operation, "count": count}


def problems(*rows: dict[str, Any], groups: tuple[dict[str, Any], ...] = ()) -> list[Problem]:
    return find_problems(rows, groups, BEFORE, BEFORE)


def test_usual_numbers_are_no_problem() -> None:
    assert problems(row(), row(errors=3), row(p95_ms=24.0)) == []


def test_a_jump_of_the_error_rate_is_said_with_both_rates() -> None:
    (problem,) = problems(row(errors=97))
    assert problem.sentence == "9.7% of calls fail, 0.2% before"
    assert not problem.is_passed_on


def test_failures_after_none_before_are_said_so() -> None:
    (problem,) = problems(row(errors=40, previous_errors=0))
    assert problem.sentence == "4.0% of calls fail, none before"


def test_few_failures_of_few_calls_are_chance() -> None:
    assert problems(row(calls=100, errors=3, previous_calls=100, previous_errors=1)) == []


def test_a_lasting_failure_stays_on_the_list() -> None:
    (problem,) = problems(row(errors=100, previous_errors=98))
    assert problem.sentence == "10% of calls fail, as before"


def test_a_slowdown_is_said_as_a_factor() -> None:
    (problem,) = problems(row(p95_ms=80.0, time_lost_ms=5000.0))
    assert problem.kind == "slow"
    assert problem.sentence == "p95 is 80 ms, 4.0× the 20 ms before"


def test_a_slowdown_that_nobody_feels_is_not_said() -> None:
    assert problems(row(p95_ms=0.9, previous_p95_ms=0.2)) == []


def test_silence_of_a_service_is_said() -> None:
    (problem,) = find_problems([], [], [], [{"service_name": "notification", "calls": 1200}])
    assert problem.kind == "silent"
    assert problem.sentence == "no calls any more, 1,200 before"


def test_a_failure_that_was_passed_on_ranks_below_the_one_that_began_it() -> None:
    found = problems(
        row("gateway", "POST /checkout", errors=300),
        row("payment", "POST /charge", errors=100),
        groups=(group("payment", "POST /charge", 100),),
    )
    assert [(problem.service_name, problem.is_passed_on) for problem in found] == [
        ("payment", False),
        ("gateway", True),
    ]


def test_errors_come_before_slowness_and_the_larger_impact_first() -> None:
    found = problems(row("slow", p95_ms=500.0, time_lost_ms=1e6), row("some", errors=50), row("many", errors=500))
    assert [problem.service_name for problem in found] == ["many", "some", "slow"]


def test_a_change_that_chance_explains_is_no_change() -> None:
    assert error_change(3, 1000, 1, 1000) == [0.003, 0.003]
    assert error_change(90, 1000, 1, 1000) == [0.09, 0.001]
    assert error_change(3, 1000, 0, 0) == [0.003, None]
    assert error_change(0, 0, 3, 10) == [0.0, 0.3]


def test_a_range_older_than_storage_begins_where_storage_does() -> None:
    assert start_of_data(0, 3_600_000, "1970-01-01T00:50:30.000000000Z") == 50 * 60_000
    assert start_of_data(0, 3_600_000, "1970-01-01T00:01:00.000000000Z") == 0
    assert start_of_data(0, 3_600_000, "1970-01-01T02:00:00.000000000Z") == 0
    assert start_of_data(0, 3_600_000, None) == 0


def test_percentiles_come_from_the_bin_that_holds_them() -> None:
    bounds = [1.0, 10.0, 100.0]
    assert histogram_percentile(bounds, [0, 100, 0], 0.5) == pytest.approx(10**0.5)
    assert histogram_percentile(bounds, [90, 0, 10], 0.95) == pytest.approx(10**1.5)
    assert histogram_percentile(bounds, [0, 0, 0], 0.95) is None
    assert percentile_series(bounds, [[0, 1], [0, 0], [0, 0]], 1.0) == [0.0, 1.0]


def test_a_range_ends_where_the_data_ends_so_that_silence_is_no_recovery() -> None:
    minute = 60_000
    assert end_of_data(0, 60 * minute, "1970-01-01T00:20:30.000000000Z") == 21 * minute
    assert end_of_data(0, 60 * minute, "1970-01-01T02:00:00.000000000Z") == 60 * minute
    assert end_of_data(0, 60 * minute, None) == 60 * minute
