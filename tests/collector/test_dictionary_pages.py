"""A dictionary page that lacks a value is proof that the row group does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quacktrace_collector.store.sealed.dictionary_pages import may_hold, page_of


def held(path: Path, text: str) -> list[bool]:
    metadata = pq.read_metadata(path)
    fd = os.open(path, os.O_RDONLY)
    try:
        pages = [page_of(metadata.row_group(group).column(0)) for group in range(metadata.num_row_groups)]
        return [may_hold(fd, page, text) for page in pages]
    finally:
        os.close(fd)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "texts.parquet"


def test_only_row_groups_with_the_text_may_hold_it(file: Path) -> None:
    pq.write_table(pa.table({"a": ["user-1", "", "Ärger", "user-22"]}), file, row_group_size=1, compression="zstd")
    assert held(file, "user-1") == [True, False, False, False]
    assert held(file, "Ärger") == [False, False, True, False]
    assert held(file, "")[1]
    assert held(file, "user-2") == [False] * 4


def test_a_dictionary_that_was_given_up_proves_nothing(file: Path) -> None:
    texts = [f"{number:032d}" for number in range(100_000)]
    pq.write_table(pa.table({"a": texts}), file, compression="zstd")
    assert held(file, texts[-1]) == [True]
    assert held(file, "absent") == [True]


def test_without_a_dictionary_any_text_may_be_there(file: Path) -> None:
    plain: dict[str, Any] = {"use_dictionary": False, "compression": "zstd"}
    for options in (plain, {"compression": "snappy"}):
        pq.write_table(pa.table({"a": ["x"]}), file, **options)
        assert held(file, "y") == [True]


def test_a_damaged_page_proves_nothing(file: Path) -> None:
    pq.write_table(pa.table({"a": ["x" * 100, "y" * 100]}), file, compression="zstd")
    column = pq.read_metadata(file).row_group(0).column(0)
    content = bytearray(file.read_bytes())
    for position in range(column.dictionary_page_offset, column.data_page_offset):
        damaged = content.copy()
        damaged[position] ^= 0xFF
        file.write_bytes(damaged)
        held(file, "x" * 100)
    content[column.dictionary_page_offset] ^= 0xFF
    file.write_bytes(content)
    assert held(file, "z") == [True]
