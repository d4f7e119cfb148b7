"""A frame that was packed is the frame that it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quacktrace_collector.store.rollups.frame import Entries, Frame, Texts
from quacktrace_collector.store.rollups.packed import PackedFrame

_NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 300)
_ROWS = st.lists(
    st.tuples(
        st.integers(-5, 20),
        st.sampled_from(["", "a", "é"]),
        _NUMBERS,
        st.dictionaries(st.integers(-1, 503), _NUMBERS, max_size=4),
    ),
    max_size=12,
)


@given(rows=_ROWS, bounds=st.tuples(st.integers(-6, 21), st.integers(-6, 21)), has_entries=st.booleans())
def test_the_rows_of_some_minutes_come_out_as_they_went_in(
    rows: list[tuple[int, str, int, dict[int, int]]], bounds: tuple[int, int], has_entries: bool
) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    packed = PackedFrame.of(_frame(rows, has_entries=has_entries))
    assert len(packed) == len(rows)
    first, end = sorted(bounds)
    for frame, expected in (
        (packed.within(first, end), [row for row in rows if first <= row[0] < end]),
        (packed.whole(), rows),
    ):
        assert _rows(frame) == [(*row[:3], row[3] if has_entries else {}) for row in expected]
        assert frame.texts["t"].codes.dtype == frame.numbers["n"].dtype == np.int64
        assert (frame.entries is not None) == has_entries


@pytest.mark.parametrize("most", [1, 200, 40_000, 2**40])
def test_numbers_take_as_few_bytes_as_they_need(most: int) -> None:
    packed = PackedFrame.of(_frame([(0, "a", most, {3: most})] * 1_000, has_entries=True))
    assert packed.numbers["n"].itemsize == packed.count.itemsize == {1: 1, 200: 1, 40_000: 2, 2**40: 8}[most]
    assert packed.size_bytes == 1_000 * (8 + 1 + 2 + 2 * packed.count.itemsize) + 1_001 * 2


def _frame(rows: list[tuple[int, str, int, dict[int, int]]], *, has_entries: bool) -> Frame:
    values = ["", "a", "é"]
    cells = [(row, bucket, count) for row, one in enumerate(rows) for bucket, count in one[3].items()]
    return Frame(
        {"t": Texts(np.array([values.index(row[1]) for row in rows], np.int64), values)},
        {
            "minute": np.array([row[0] for row in rows], np.int64),
            "n": np.array([row[2] for row in rows], np.int64),
        },
        Entries(
            np.array([cell[0] for cell in cells], np.int64),
            np.array([cell[1] for cell in cells], np.int16),
            np.array([cell[2] for cell in cells], np.int64),
        )
        if has_entries
        else None,
    )


def _rows(frame: Frame) -> list[tuple[int, str, int, dict[int, int]]]:
    found: list[tuple[int, str, int, dict[int, int]]] = [
        (minute, text, number, {})
        for minute, text, number in zip(
            frame.numbers["minute"].tolist(),
            frame.texts_of("t", np.arange(len(frame))),
            frame.numbers["n"].tolist(),
            strict=True,
        )
    ]
    if frame.entries is not None:
        for row, bucket, count in zip(
            frame.entries.row.tolist(), frame.entries.bucket.tolist(), frame.entries.count.tolist(), strict=True
        ):
            found[row][3][bucket] = count
    return found
