"""`python -m quacktrace_collector.sql.worker`: one process that answers the collector's queries until its pipe closes.

It never opens a database of the collector's: sealed files and the feed of what is hot are all it can read.
"""

from __future__ import annotations

import gc
import json
import os
import select
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from quacktrace_collector.sql.landlock import forbid_writing
from quacktrace_collector.sql.limits import give_way

if TYPE_CHECKING:
    from quacktrace_collector.sql.engine import Engine
    from quacktrace_collector.sql.frames import Frame

__all__ = ["main"]

_RECURSION_LIMIT = 5_000
_IDLE_S = 1.0
_SMALLEST_TO_COMPRESS = 1_000
_GZIP_WINDOW = 31


def main() -> None:
    """Take the pipes away from everything else, load the engine, confine the process, then serve."""
    requests, answers = _own_pipes()
    options: dict[str, Any] = json.loads(sys.argv[1])
    give_way()
    forbid_writing()
    # pyarrow and DuckDB load these when they are installed: 12 MB that nothing here uses.
    sys.modules["numpy"] = None  # type: ignore[assignment]  # None makes an import fail, as documented
    sys.modules["pandas"] = None  # type: ignore[assignment]  # likewise

    from quacktrace_collector.sql.frames import Frame, read_frame, write_frame
    from quacktrace_collector.sql.limits import release_program_pages, resident_bytes, return_free_memory

    try:
        engine = _start_engine(options)
    except Exception as error:  # the collector shows it: this process has no terminal
        write_frame(answers, Frame({"failed": f"{type(error).__name__}: {error}"}))
        return
    write_frame(answers, Frame({"ready": True, "resident_bytes": resident_bytes()}))
    while True:
        if not select.select([requests], [], [], _IDLE_S)[0]:
            release_program_pages()
        request = read_frame(requests)
        if request is None:
            break
        # Tells a query that ends the process from a process that had ended before.
        write_frame(answers, Frame({"taken": True}))
        write_frame(answers, _answer(engine, request.header, lambda part: write_frame(answers, part)))
        return_free_memory()
    # Not through the interpreter's end: the engine's threads may be slow to stop, and nothing is left to save.
    os._exit(0)


def _start_engine(options: dict[str, Any]) -> Engine:
    from quacktrace_collector.sql.engine import Engine
    from quacktrace_collector.sql.limits import confine, return_free_memory

    sys.setrecursionlimit(_RECURSION_LIMIT)
    engine = Engine(
        Path(options["sealed_dir"]), memory_limit_bytes=options["memory_limit_bytes"], threads=options["threads"]
    )
    confine(address_space_bytes=options["address_space_bytes"], parent_pid=options["parent_pid"])
    gc.collect()
    gc.freeze()
    return_free_memory()
    return engine


def _answer(engine: Engine, header: dict[str, Any], send: Callable[[Frame], None]) -> Frame:
    """The last frame of the answer; what comes before it is sent."""
    from quacktrace_collector.sql.engine_errors import may_be_damage, translate
    from quacktrace_collector.sql.frames import Frame, ResultFormat
    from quacktrace_collector.sql.limits import resident_bytes

    try:
        engine.refresh(header["snapshot"])
    except Exception as error:  # no query's fault: another process may do better
        return Frame({"failed": f"{type(error).__name__}: {error}"})
    if header.get("describe"):
        return Frame({"column_types": engine.column_types(), "resident_bytes": resident_bytes()})
    parts = _Parts(send, is_gzip=header["compress"])
    try:
        result = engine.run(
            header["query"],
            form=ResultFormat(header["format"]),
            limit=header["limit"],
            max_bytes=header["max_bytes"],
            part_bytes=header.get("part_bytes"),
            emit=parts.add,
        )
    except Exception as error:  # whatever a query provokes belongs to its author, not to the process
        refusal = translate(error, header["query"])
        position = getattr(refusal, "position", None)
        return Frame(
            {
                "error": type(refusal).__name__,
                "message": refusal.message,
                "hint": refusal.hint,
                "position": position,
                "may_be_damage": may_be_damage(error),
                "resident_bytes": resident_bytes(),
            }
        )
    is_large = parts.count > 0 or len(result.body) >= _SMALLEST_TO_COMPRESS
    return Frame(
        {
            "row_count": result.encoded.row_count,
            "truncated": result.encoded.truncated,
            "elapsed_ms": result.elapsed_ms,
            "resident_bytes": resident_bytes(),
            "is_gzip": parts.is_gzip and is_large,
        },
        parts.end(result.body) if is_large else result.body,
    )


class _Parts:
    """Sends a body in parts, as one gzip stream where that is wanted."""

    def __init__(self, send: Callable[[Frame], None], *, is_gzip: bool) -> None:
        self._send = send
        self._compressor = zlib.compressobj(1, zlib.DEFLATED, _GZIP_WINDOW) if is_gzip else None
        self.is_gzip = is_gzip
        self.count = 0

    def add(self, part: bytes) -> None:
        from quacktrace_collector.sql.frames import Frame

        self.count += 1
        packed = self._compressor.compress(part) if self._compressor else part
        self._send(Frame({"part_is_gzip": self.is_gzip}, packed))

    def end(self, rest: bytes) -> bytes:
        """The end of the body."""
        return self._compressor.compress(rest) + self._compressor.flush() if self._compressor else rest


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the collector; whatever prints from here on goes nowhere."""
    requests, answers = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return requests, answers


if __name__ == "__main__":
    main()
