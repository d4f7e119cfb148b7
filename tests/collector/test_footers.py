"""What is read of a sealed file by pieces of its footer is what its whole footer leads to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quacktrace_collector.store.sealed.constant_columns import ConstantColumns
from quacktrace_collector.store.sealed.footers import sealed_file
from quacktrace_collector.time_range import TimeRange

_ROWS = 40


def _write(path: Path, *, row_groups: int, columns: int = 3) -> None:
    """Row group n starts at n seconds; some columns say the same in every row, some only nearly."""
    rows = range(row_groups * _ROWS)
    table = pa.table(
        {
            "start_time": pa.array([row // _ROWS * 10**9 + row % _ROWS for row in rows], pa.timestamp("ns")),
            "absent": pa.array([None] * len(rows), pa.string()),
            "same": pa.array(["x"] * len(rows), pa.string()),
            "of_group": pa.array([row // _ROWS % 3 for row in rows], pa.int32()),
            "nearly": pa.array([None if row % _ROWS == 7 else "x" for row in rows], pa.string()),
            "lists": pa.array([[] for _ in rows], pa.list_(pa.struct([("a", pa.string()), ("b", pa.int64())]))),
            "some_lists": pa.array([[1] if row % _ROWS == 9 else [] for row in rows], pa.list_(pa.int64())),
            "maps": pa.array([[("k", str(row))] for row in rows], pa.map_(pa.string(), pa.string())),
            **{f"n{column}": pa.array(rows, pa.int64()) for column in range(columns)},
        }
    )
    pq.write_table(table, path, row_group_size=_ROWS, compression="zstd", store_schema=False)


@pytest.mark.parametrize(("row_groups", "columns"), [(1, 1), (2, 8), (14, 3), (15, 4), (16, 5), (150, 3)])
def test_a_row_groups_own_footer_says_what_the_whole_one_does(tmp_path: Path, row_groups: int, columns: int) -> None:
    path = tmp_path / "spans.parquet"
    _write(path, row_groups=row_groups, columns=columns)
    whole = pq.read_metadata(path)
    file = sealed_file(path)
    assert file.pieces is not None
    assert file.row_groups == row_groups
    every = list(range(row_groups))
    for asked in ([], every[:1], every[-1:], every[::2], every[::-1], every):
        footer, places = file.footer(asked)
        assert footer.num_row_groups == len(asked)
        with pq.ParquetFile(path, metadata=footer) as opened, pq.ParquetFile(path) as other:
            for place, number in zip(places, asked, strict=True):
                mine, theirs = footer.row_group(place), whole.row_group(number)
                assert (mine.num_rows, mine.total_byte_size) == (theirs.num_rows, theirs.total_byte_size)
                for column in range(whole.num_columns):
                    assert mine.column(column).equals(theirs.column(column))
                assert opened.read_row_group(place) == other.read_row_group(number)


def test_row_groups_are_left_out_by_when_their_spans_start(tmp_path: Path) -> None:
    _write(tmp_path / "spans.parquet", row_groups=5)
    file = sealed_file(tmp_path / "spans.parquet")
    assert file.row_groups_within(TimeRange(10**9, 3 * 10**9)) == [1, 2]
    assert file.row_groups_within(None) == [0, 1, 2, 3, 4]


def test_a_file_that_somebody_else_wrote_is_read_by_its_whole_footer(tmp_path: Path) -> None:
    path = tmp_path / "spans.parquet"
    _write(path, row_groups=2)
    # A sorting column for each row group is what Arrow can write, and we do not expect.
    pq.write_table(pq.read_table(path), path, row_group_size=_ROWS, sorting_columns=[pq.SortingColumn(0)])
    file = sealed_file(path)
    assert file.pieces is None
    footer, places = file.footer([1])
    assert (footer.num_row_groups, *places) == (2, 1)


def test_only_columns_that_are_the_same_in_every_row_are_told_by_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "spans.parquet"
    _write(path, row_groups=6)
    file = sealed_file(path)
    known = ConstantColumns()
    for number in (0, 1, 2, 0, 4, 5):
        footer, (place,) = file.footer([number])
        with pq.ParquetFile(path, metadata=footer) as opened:
            rows = opened.read_row_group(place)
            found: dict[str, Any] = known.of(file, opened, place, rows.column_names)
        assert set(found) == {"absent", "same", "of_group", "lists"}
        assert {name: one.to_pylist() for name, one in found.items()} == {
            name: rows[name].slice(0, 1).to_pylist() for name in found
        }
