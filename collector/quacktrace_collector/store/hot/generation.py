"""A hot generation: one attached DuckDB file that fsynced group commits append to, and its feed.

A generation is never checkpointed: its write-ahead log is its storage, and it is dropped whole once sealed. One hot
table with DELETE and CHECKPOINT was tried instead: it stalled commits 0.4-0.8 s and its file grew for ever.

A commit is one row, which holds the batch as compressed Arrow IPC, the same bytes that go to the feed. A row a span in
columns of DuckDB's was measured: 4.5 to 6.5 µs of CPU and 660 bytes of log a span, against 0.6 µs and 216 bytes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Final, cast

import duckdb
import pyarrow as pa

from quacktrace_collector.decode import Origin
from quacktrace_collector.schema import LOGS, ORIGINS, SPANS
from quacktrace_collector.store.durable import sync
from quacktrace_collector.store.hot.feed import FeedWriter, encode_batch, read_feed
from quacktrace_collector.store.hot.rows import HotRows
from quacktrace_collector.store.hot.salvage import Leftovers, read_leftovers
from quacktrace_collector.store.snapshot import Feed, HotGeneration
from quacktrace_collector.store.time_bounds import TimeBounds
from quacktrace_collector.store.views import quote_literal

_SCHEMAS: Final = {"origins": ORIGINS, "spans": SPANS, "logs": LOGS}
_NONE: Final = b""
_REPLAYED_AT_ONCE: Final = 64
# A generation that is opened again gets feeds of other names: readers of the old ones keep files that never change.
_openings: Final = count(1)


class Generation:
    """Owned by the store; `append` is called by the one writing thread only, the rest from any thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, directory: Path, generation_id: int) -> None:
        self.generation_id = generation_id
        self.database = f"g{generation_id}"
        self.span_count = 0
        self.log_count = 0
        self.start_times = TimeBounds()
        self.log_times = TimeBounds()
        self.is_spoiled = False
        """A commit failed: what is in it is sound, but nothing may be appended any more. Measured with DuckDB 2.0.0:
        the commit after a failed fsync corrupts the heap, and one after a torn write would not be replayed."""
        self.leftovers: Leftovers | None = None
        self._first_append_s: float | None = None
        self._connection = connection
        self._path = directory / f"{generation_id:012d}.duckdb"
        self._origin_ids: set[int] = set()
        self._feeds: dict[str, FeedWriter] = {}
        self._rows = HotRows()

    @classmethod
    def create(cls, connection: duckdb.DuckDBPyConnection, directory: Path, generation_id: int) -> Generation:
        """A new, empty generation.

        Raises:
            duckdb.Error, OSError: it could not be made, and nothing is left of it.
        """
        generation = cls(connection, directory, generation_id)
        try:
            for path in generation._feed_paths():
                path.unlink()
            generation._feeds = generation._new_feeds()
            cursor = generation._attach()
            cursor.execute(f"create table {generation.database}.commits (origins blob, spans blob, logs blob)")
            # DuckDB makes what is in its files last, and leaves it to us that the files are there after a power cut.
            sync(directory)
        except (duckdb.Error, OSError):
            generation.drop()
            raise
        return generation

    @classmethod
    def replay(cls, connection: duckdb.DuckDBPyConnection, directory: Path, generation_id: int) -> Generation:
        """Open what an earlier process left: DuckDB replays its log, and the feed is written anew from the commits.

        A generation whose creation was cut short has no table and comes back empty. What the old feed has beyond the
        log is in `leftovers`.

        Raises:
            duckdb.Error, pa.ArrowException: the file or its log is damaged.
            OSError: there is no room for the feed.
        """
        generation = cls(connection, directory, generation_id)
        try:
            cursor = generation._attach()
            generation._begin_feeds(cursor)
            generation._read_back(cursor)
        except (duckdb.Error, pa.ArrowException, OSError):
            generation.close()
            raise
        return generation

    @staticmethod
    def leftovers_of(directory: Path, generation_id: int) -> Leftovers | None:
        """What the feed of a generation holds that cannot be replayed."""
        return read_leftovers(_newest_feeds(directory, generation_id), _SCHEMAS, None)

    @staticmethod
    def existing(directory: Path) -> list[int]:
        """Ids of the generations that have files here, oldest first."""
        return sorted(int(path.name.removesuffix(".duckdb")) for path in directory.glob("*.duckdb"))

    @staticmethod
    def was_written(directory: Path, generation_id: int) -> bool:
        """False if nothing can have been committed: there is no log, or an empty one."""
        log = directory / f"{generation_id:012d}.duckdb.wal"
        return log.exists() and log.stat().st_size > 0

    @staticmethod
    def move(directory: Path, generation_id: int, target: Path) -> None:
        """Move the files of a generation that is not attached into another folder."""
        target.mkdir(exist_ok=True)
        for path in sorted(directory.glob(f"{generation_id:012d}.*"), key=lambda path: path.suffix == ".duckdb"):
            path.rename(target / path.name)

    @staticmethod
    def unlink(directory: Path, generation_id: int) -> None:
        """Remove the files of a generation that is not attached; the database file last, as it names the rest."""
        stem = f"{generation_id:012d}"
        for path in sorted(directory.glob(f"{stem}.*"), key=lambda path: path.suffix == ".duckdb"):
            path.unlink(missing_ok=True)

    def append(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        spans: pa.Table | None,
        logs: pa.Table | None,
        origins: Iterable[Origin],
    ) -> None:
        """Commit one batch with fsync on the writer's connection and append it to the feed; all of it or nothing.

        Raises:
            duckdb.Error, OSError: nothing was committed.
        """
        new_origins = [origin for origin in origins if origin.origin_id not in self._origin_ids]
        batches: dict[str, pa.Table] = {}
        if new_origins:
            batches["origins"] = origins_table(new_origins)
        if spans is not None and spans.num_rows:
            batches["spans"] = spans
        if logs is not None and logs.num_rows:
            batches["logs"] = logs
        if not batches:
            return
        encoded = {name: encode_batch(table) for name, table in batches.items()}
        connection.execute("begin")
        try:
            connection.execute(
                f"insert into {self.database}.commits values ($1, $2, $3)",
                [encoded.get(name, _NONE) for name in _SCHEMAS],
            )
            for name, batch in encoded.items():
                self._feeds[name].write(batch)
        except (duckdb.Error, OSError):
            _rollback(connection)
            raise
        try:
            connection.execute("commit")
        except duckdb.Error:
            self.is_spoiled = True
            _rollback(connection)
            raise
        for name, table in batches.items():
            self._feeds[name].commit()
            self._count(name, table)
        self._origin_ids.update(origin.origin_id for origin in new_origins)
        if self._first_append_s is None:
            self._first_append_s = time.monotonic()

    def hot(self) -> HotGeneration:
        """The generation as readers see it."""
        return HotGeneration(
            generation_id=self.generation_id,
            span_bounds=(self.start_times.first_ns, self.start_times.last_ns),
            log_bounds=(self.log_times.first_ns, self.log_times.last_ns),
            feed=self.feed(),
            rows=self._rows,
        )

    def is_older_than(self, age_s: float) -> bool:
        """True if its first rows were appended longer ago than this."""
        return self._first_append_s is not None and time.monotonic() - self._first_append_s > age_s

    def feed(self) -> Feed:
        """The committed part of the feed, now."""
        spans, logs = self._feeds["spans"].file(), self._feeds["logs"].file()
        # Last: a commit appends its origins first, so these cover the spans and logs just read.
        return Feed(self.generation_id, spans=spans, origins=self._feeds["origins"].file(), logs=logs)

    def close(self) -> None:
        """Detach, keeping the files for the next start."""
        for writer in self._feeds.values():
            writer.close()
        self._rows.close()
        # It may not have been attached, or the instance may be invalid: either way DuckDB lets go of it.
        with contextlib.suppress(duckdb.Error):
            self._connection.cursor().execute(f"detach {self.database}")

    def size_bytes(self) -> int:
        """Bytes of its files; 0 when they are gone."""
        sizes = 0
        for path in self._path.parent.glob(f"{self.generation_id:012d}.*"):
            with contextlib.suppress(FileNotFoundError):
                sizes += path.stat().st_size
        return sizes

    def drop(self) -> None:
        """Detach and remove every file: the rows live in a sealed segment now."""
        self.close()
        self.unlink(self._path.parent, self.generation_id)

    def restore_feed(self) -> None:
        """Write the feed anew from what was committed, under other names: the old one cannot be read.

        Raises:
            duckdb.Error, OSError: neither can be read, or there is no room.
        """
        fresh = self._new_feeds()
        self._read_commits(self._connection.cursor(), fresh)
        self._feeds, self._rows = fresh, HotRows()

    def _feed_paths(self) -> list[Path]:
        return list(self._path.parent.glob(f"{self.generation_id:012d}.*.arrows"))

    def _begin_feeds(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """New ones for the old; an old feed that has more than the log stays until its rows are stored again."""
        committed = dict.fromkeys(_SCHEMAS, 0)
        if self._has_table(cursor):
            lengths = ", ".join(f"coalesce(sum(octet_length({name})), 0)" for name in _SCHEMAS)
            (row,) = cursor.execute(f"select {lengths} from {self.database}.commits").fetchall()
            committed = dict(zip(_SCHEMAS, map(int, row), strict=True))
        self.leftovers = read_leftovers(_newest_feeds(self._path.parent, self.generation_id), _SCHEMAS, committed)
        kept = self.leftovers.files if self.leftovers else ()
        for path in self._feed_paths():
            if path not in kept:
                path.unlink()
        self._feeds = self._new_feeds()

    def _has_table(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        return bool(cursor.sql("from duckdb_tables() where database_name = $1", params=[self.database]).fetchall())

    def _new_feeds(self) -> dict[str, FeedWriter]:
        known = {_opening_of(path) for path in self._feed_paths()}
        opening = next(number for number in _openings if number not in known)
        return {
            name: FeedWriter(self._path.with_suffix(f".{name}-{opening}.arrows"), schema)
            for name, schema in _SCHEMAS.items()
        }

    def _read_back(self, cursor: duckdb.DuckDBPyConnection) -> None:
        if not self._has_table(cursor):
            return
        self._read_commits(cursor, self._feeds)
        feed = self.feed()
        for batch in read_feed(feed.origins, ["origin_id"]):
            self._origin_ids.update(batch.column("origin_id").to_numpy().tolist())
        for name, file, column in (("spans", feed.spans, "start_time"), ("logs", feed.logs, "time")):
            for batch in read_feed(file, [column]):
                self._count(name, pa.Table.from_batches([batch]))

    def _read_commits(self, cursor: duckdb.DuckDBPyConnection, feeds: Mapping[str, FeedWriter]) -> None:
        commits = cursor.execute(f"select origins, spans, logs from {self.database}.commits order by rowid")
        while rows := commits.fetchmany(_REPLAYED_AT_ONCE):
            for row in rows:
                for name, encoded in zip(_SCHEMAS, cast("tuple[bytes, ...]", row), strict=True):
                    if encoded:
                        feeds[name].write(encoded)
                        feeds[name].commit()

    def _count(self, name: str, table: pa.Table) -> None:
        if name == "spans":
            self.span_count += table.num_rows
            self.start_times.include(table["start_time"])
        elif name == "logs":
            self.log_count += table.num_rows
            self.log_times.include(table["time"])

    def _attach(self) -> duckdb.DuckDBPyConnection:
        cursor = self._connection.cursor()
        cursor.execute(f"attach {quote_literal(str(self._path))} as {self.database} (storage_version 'v1.5.0')")
        return cursor


def _newest_feeds(directory: Path, generation_id: int) -> dict[str, Path]:
    """The files of the feed that was written last, by what is in them."""
    paths = sorted(directory.glob(f"{generation_id:012d}.*.arrows"), key=_opening_of)
    return {path.name.split(".")[1].rpartition("-")[0]: path for path in paths}


def _opening_of(path: Path) -> int:
    return int(path.name.split(".")[1].rpartition("-")[2])


def origins_table(origins: list[Origin]) -> pa.Table:
    """Origins as rows; there must be some."""
    rows = [(origin.origin_id, *origin.values) for origin in origins]
    columns = [pa.array(column, type_) for column, type_ in zip(zip(*rows, strict=True), ORIGINS.types, strict=True)]
    return pa.Table.from_arrays(columns, schema=ORIGINS)


def _rollback(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("rollback")
        connection.unregister("_batch")
    except duckdb.Error:
        # The failed statement already ended the transaction, or the instance is invalid: the caller has the error.
        return
