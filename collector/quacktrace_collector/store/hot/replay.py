"""Opens DuckDB over the hot generations that an earlier process, or an invalidated instance, left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from quacktrace_collector.store.damage import Damage
from quacktrace_collector.store.hot.generation import Generation
from quacktrace_collector.store.hot.salvage import Leftovers
from quacktrace_collector.store.snapshot import Segment

_MEMORY_LIMIT: Final = "1GB"


def replay(
    hot_dir: Path, segments: Sequence[Segment], *, damage: Damage
) -> tuple[duckdb.DuckDBPyConnection, list[Generation], list[Leftovers]]:
    """A connection with every generation attached that is neither sealed, empty nor damaged, oldest first.

    The rows of the leftovers are in none of them, and are to be stored again.

    Raises:
        duckdb.Error, OSError: not for what is in the files, for instance for want of space.
    """
    for generation_id in Generation.existing(hot_dir):
        if any(segment.first_id <= generation_id <= segment.segment_id for segment in segments):
            Generation.unlink(hot_dir, generation_id)
    salvaged: list[Leftovers] = []
    while True:
        connection = connect(hot_dir.parent)
        generations, is_sound = _attach_all(connection, hot_dir, damage, salvaged)
        if is_sound:
            beyond = [generation.leftovers for generation in generations if generation.leftovers]
            return connection, generations, [*salvaged, *beyond]
        # A damaged file took the instance with it: it is set aside now, begin again with the others.
        for generation in generations:
            generation.close()
        connection.close()


def connect(data_dir: Path) -> duckdb.DuckDBPyConnection:
    """An instance of its own, with nothing attached."""
    connection = duckdb.connect(
        config={
            # Measured: two cost 9.0 µs of CPU a span appended, one 6.5; readers run in threads of their own anyway.
            "threads": 1,
            "memory_limit": _MEMORY_LIMIT,
            "temp_directory": str(data_dir / "tmp"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "preserve_insertion_order": False,
        }
    )
    # Before the first ATTACH: a generation's log is its storage, and is never folded into the file.
    connection.execute("set checkpoint_threshold = '1TB'")
    connection.execute("pragma disable_checkpoint_on_shutdown")
    # Sealed files never change: without their footers at hand a query over nine of them costs 31 ms CPU, with them 17.
    connection.execute("set parquet_metadata_cache = true")
    return connection


def _attach_all(
    connection: duckdb.DuckDBPyConnection, hot_dir: Path, damage: Damage, salvaged: list[Leftovers]
) -> tuple[list[Generation], bool]:
    generations: list[Generation] = []
    for generation_id in Generation.existing(hot_dir):
        try:
            generation = Generation.replay(connection, hot_dir, generation_id)
        except (duckdb.Error, pa.ArrowException, OSError, UnicodeDecodeError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's fault; Arrow's own have no number
            left = Generation.leftovers_of(hot_dir, generation_id)
            if left is not None:
                salvaged.append(replace(left, files=()))  # they go with the rest
            if Generation.was_written(hot_dir, generation_id):
                damage.set_generation_aside(hot_dir, generation_id, str(error))
            else:
                Generation.unlink(hot_dir, generation_id)
            if not _answers(connection):
                return generations, False
            continue
        if generation.span_count or generation.log_count or generation.leftovers:
            generations.append(generation)
        else:
            generation.drop()
    return generations, True


def _answers(connection: duckdb.DuckDBPyConnection) -> bool:
    try:
        connection.cursor().execute("select 1")
    except duckdb.Error:
        return False
    return True
