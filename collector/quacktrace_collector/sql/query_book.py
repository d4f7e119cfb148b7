"""The queries that people asked and those that they keep: a log and a small file in the data folder."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from quacktrace_collector.errors import BadRequestError, NotFoundError, QuacktraceError
from quacktrace_collector.query.timestamps import format_time

__all__ = ["QueryBook", "QueryRecord", "SavedQuery"]

_MOST_RECORDS: Final = 2_000
_MOST_SAVED: Final = 500
_LONGEST_LOGGED: Final = 10_000
_LONGEST_TITLE: Final = 200
# The log is cut to its newest records when it has grown to twice as many.
_MOST_LINES: Final = 2 * _MOST_RECORDS


@dataclass(slots=True)
class QueryRecord:
    """One query that was asked."""

    query: str
    who: str
    """The address it came from."""
    via: str
    """The program it came by: `sql page`, `quacktrace sql`, a User-Agent."""
    id: str
    started_at: str = ""
    outcome: str = "running"
    """`ok`, or the code of the error."""
    elapsed_ms: float | None = None
    row_count: int | None = None
    _started: float = field(default_factory=time.perf_counter)

    def answer(self) -> dict[str, Any]:
        """What the API says of it."""
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query that somebody keeps under a title."""

    id: str
    title: str
    query: str
    saved_at: str


class QueryBook:
    """Belongs to the event loop; without a folder it remembers until the process ends.

    The log is best effort: a full disk must not fail a query. Saving is not: it raises.
    """

    def __init__(self, folder: Path | None) -> None:
        self._log_path = folder / "log.jsonl" if folder else None
        self._saved_path = folder / "saved.json" if folder else None
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        self._records: deque[QueryRecord] = deque(_read_log(self._log_path), maxlen=_MOST_RECORDS)
        self._lines = len(self._records)
        self._saved: dict[str, SavedQuery] = {query.id: query for query in _read_saved(self._saved_path)}

    @contextmanager
    def asked(self, query: str, *, who: str, via: str, query_id: str) -> Iterator[QueryRecord]:
        """Log a query while it runs and how it ended; the caller adds `row_count`."""
        now = format_time(time.time_ns())
        record = QueryRecord(query[:_LONGEST_LOGGED], who, via, query_id, started_at=now)
        self._records.append(record)
        try:
            yield record
            record.outcome = "ok"
        except QuacktraceError as error:
            record.outcome = error.code
            raise
        except BaseException:
            record.outcome = "cancelled"
            raise
        finally:
            record.elapsed_ms = round((time.perf_counter() - record._started) * 1_000, 1)
            self._write(record)

    def records(self, *, limit: int, via: str | None = None) -> list[QueryRecord]:
        """The newest first."""
        chosen = [record for record in reversed(self._records) if via is None or record.via == via]
        return chosen[:limit]

    def saved(self) -> list[SavedQuery]:
        """By title."""
        return sorted(self._saved.values(), key=lambda query: (query.title.lower(), query.id))

    def save(self, title: str, query: str, *, query_id: str | None = None) -> SavedQuery:
        """Keep a query, or put it in the place of a kept one."""
        title = " ".join(title.split())[:_LONGEST_TITLE]
        if not title or not query.strip():
            raise BadRequestError("A saved query has a title and a text.", hint='Send {"title": "…", "query": "…"}.')
        if query_id is not None and query_id not in self._saved:
            raise NotFoundError("There is no such saved query.", hint="Leave out the id to save a new one.")
        if query_id is None and len(self._saved) >= _MOST_SAVED:
            raise BadRequestError(f"{_MOST_SAVED} queries are saved already.", hint="Delete some.")
        saved = SavedQuery(query_id or uuid.uuid4().hex, title, query, format_time(time.time_ns()))
        self._replace({**self._saved, saved.id: saved})
        return saved

    def delete(self, query_id: str) -> None:
        """Forget a saved query."""
        if query_id not in self._saved:
            raise NotFoundError("There is no such saved query.", hint="GET /api/v1/queries lists them.")
        self._replace({key: query for key, query in self._saved.items() if key != query_id})

    def _replace(self, saved: dict[str, SavedQuery]) -> None:
        if self._saved_path:
            text = json.dumps([asdict(query) for query in saved.values()], indent=1)
            temporary = self._saved_path.with_suffix(".tmp")
            with temporary.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._saved_path)
        self._saved = saved

    def _write(self, record: QueryRecord) -> None:
        if self._log_path is None:
            return
        try:
            if self._lines >= _MOST_LINES:
                ended = [json.dumps(one.answer()) for one in self._records if one.outcome != "running"]
                temporary = self._log_path.with_suffix(".tmp")
                temporary.write_text("".join(f"{line}\n" for line in ended), "utf-8")
                temporary.replace(self._log_path)
                self._lines = len(ended)
            else:
                with self._log_path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(record.answer()) + "\n")
                self._lines += 1
        except OSError:
            return


def _read_log(path: Path | None) -> Iterator[QueryRecord]:
    if path is None or not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                yield QueryRecord(**json.loads(line))
            except (ValueError, TypeError):  # a crash may have cut the last line
                continue


def _read_saved(path: Path | None) -> Iterator[SavedQuery]:
    if path is None or not path.exists():
        return
    try:
        entries = json.loads(path.read_text("utf-8"))
        yield from [SavedQuery(**entry) for entry in entries]
    except (ValueError, TypeError):
        # What a person wrote is not thrown away: the next save would replace it.
        path.replace(path.with_suffix(".damaged"))
