"""Durations, counts, shares, sizes and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from quacktrace_dashboard.formatting import (
    browser_zone,
    format_age,
    format_bytes,
    format_count,
    format_datetime,
    format_duration_ms,
    format_duration_ns,
    format_percent,
    parse_time,
    to_milliseconds,
)


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (0, "0 ns"),
        (830, "830 ns"),
        (999.6, "1 µs"),
        (12_400, "12.4 µs"),
        (1_000_000, "1 ms"),
        (340_000_000, "340 ms"),
        (999_600_000, "1 s"),
        (2_050_000_000, "2.05 s"),
        (59_940_000_000, "59.9 s"),
        (59_960_000_000, "1 min"),
        (200_000_000_000, "3 min 20 s"),
        (3_600_000_000_000, "1 h"),
        (5_430_000_000_000, "1 h 30 min"),
    ],
)
def test_durations_have_three_digits_and_a_fitting_unit(duration_ns: float, text: str) -> None:
    assert format_duration_ns(duration_ns) == text


def test_an_unknown_duration_is_a_dash() -> None:
    assert format_duration_ms(None) == "–"
    assert format_duration_ms(1.5) == "1.5 ms"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (1204, "1,204"), (99_999, "99,999"), (120_400, "120k"), (3_400_000, "3.4M"), (2e9, "2G")],
)
def test_counts_are_exact_while_they_are_short(count: float, text: str) -> None:
    assert format_count(count) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0%"), (0.0001, "<0.1%"), (0.0123, "1.2%"), (0.0994, "9.9%"), (0.5, "50%"), (1, "100%")]
)
def test_a_small_share_is_never_nothing(share: float, text: str) -> None:
    assert format_percent(share) == text


def test_sizes_count_in_1024() -> None:
    assert [format_bytes(size) for size in (512, 1536, 5 * 2**20, 3 * 2**40)] == ["512 B", "1.5 KiB", "5 MiB", "3 TiB"]


def test_times_of_the_api_are_read_to_the_microsecond() -> None:
    moment = parse_time("2026-11-22T23:24:02.123456789Z")
    assert moment == datetime(2026, 11, 22, 23, 24, 2, 123456, UTC)
    assert parse_time("2026-11-22T23:24:02Z") == datetime(2026, 11, 22, 23, 24, 2, tzinfo=UTC)
    assert to_milliseconds("1970-01-01T00:00:01.500000000Z") == 1500


def test_times_are_written_in_the_browsers_zone() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
    assert format_datetime(moment, UTC) == "2026-01-02 03:04:05.678 UTC"


@pytest.mark.parametrize("name", [None, "", "../../etc/passwd", "Nowhere/At-all", "x" * 500, "Europe/Berlin/../x"])
def test_a_zone_that_is_not_one_is_utc(name: str | None) -> None:
    assert browser_zone(name) == UTC


def test_ages_have_one_unit() -> None:
    now = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
    ages = [
        datetime(2026, 1, 2, 11, 59, 55, tzinfo=UTC),
        datetime(2026, 1, 2, 9, tzinfo=UTC),
        datetime(2018, 1, 2, tzinfo=UTC),
    ]
    assert [format_age(age, now=now) for age in ages] == ["5 s ago", "3 h ago", "8 years ago"]
    assert format_age(datetime(2026, 1, 3, tzinfo=UTC), now=now) == "in the future"
