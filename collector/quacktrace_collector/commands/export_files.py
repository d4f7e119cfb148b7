"""`quacktrace export`: spans of a range as OTLP JSON lines or Parquet, from a running collector or a data folder."""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from quacktrace.client import DEFAULT_URL, CollectorClient, default_url
from quacktrace.commands import Command
from quacktrace.errors import QuacktraceError, UsageError
from quacktrace.terminal import printable

__all__ = ["COMMAND"]

_FORMATS: Final = ("otlp-json", "parquet")
_STEP_S: Final = 0.2


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="start", metavar="T", help="first start time, RFC 3339 or ms (default: all)")
    parser.add_argument("--to", dest="end", metavar="T", help="start time to stop before (default: all)")
    parser.add_argument("--service", metavar="S", help="only spans of this service")
    parser.add_argument("--trace", metavar="ID", help="only spans of this trace")
    parser.add_argument("--format", choices=_FORMATS, default=_FORMATS[0], help=f"default: {_FORMATS[0]}")
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="-", help="- for standard output (default); .gz compresses JSON"
    )
    parser.add_argument("--data", metavar="DIR", type=Path, help="read this folder, of which no collector runs")
    parser.add_argument("--url", metavar="URL", help=f"the collector (default: QUACKTRACE_URL, else {DEFAULT_URL})")
    parser.add_argument("--token", metavar="T", help="read token (default: QUACKTRACE_READ_TOKEN)")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.output == "-" and arguments.format == "parquet" and sys.stdout.isatty():
        raise UsageError("--format parquet is not for a terminal: add -o spans.parquet")
    parameters = {
        "from": arguments.start,
        "to": arguments.end,
        "service": arguments.service,
        "trace_id": arguments.trace,
        "format": arguments.format,
    }
    given = {name: value for name, value in parameters.items() if value is not None}
    with _output(arguments.output, is_text=arguments.format == _FORMATS[0]) as write:
        if arguments.data is None:
            _export_from_collector(arguments, given, write)
        else:
            _export_from_folder(arguments.data, given, write)
    return 0


def _export_from_collector(
    arguments: argparse.Namespace, parameters: dict[str, str], write: Callable[[bytes], object]
) -> None:
    client = CollectorClient(
        arguments.url or default_url(), token=arguments.token or os.environ.get("QUACKTRACE_READ_TOKEN")
    )
    answer = client.download("/api/v1/export", write, **parameters)
    if not answer.is_ok:
        error = answer.error()
        raise QuacktraceError(" · ".join(str(error[key]) for key in ("message", "hint") if error.get(key)))


def _export_from_folder(data_dir: Path, parameters: dict[str, str], write: Callable[[bytes], object]) -> None:
    from quacktrace_collector.api.export_routes import asked_for
    from quacktrace_collector.errors import QuacktraceError as CollectorError
    from quacktrace_collector.query.span_stream import stream_spans
    from quacktrace_collector.store import Store

    if not data_dir.is_dir():
        raise UsageError(f"--data {data_dir}: there is no such folder")
    try:
        wanted, form = asked_for(parameters)
        store = Store(data_dir)
    except CollectorError as error:
        raise QuacktraceError(f"{error.message}: {error.hint}" if error.hint else error.message) from error
    try:
        with store.snapshot() as snapshot:
            for piece in stream_spans(snapshot, wanted, form):
                write(piece)
    finally:
        store.close()


@contextmanager
def _output(name: str, *, is_text: bool) -> Iterator[Callable[[bytes], object]]:
    """Where pieces go: standard output, or a file that appears under its name once it is whole."""
    if name == "-":
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            if is_text and path.suffix == ".gz":
                with gzip.open(file, "wb", compresslevel=6) as zipped:
                    yield _Progress(path, zipped).write
            else:
                yield _Progress(path, file).write
        unfinished.replace(path)
    except OSError as error:
        raise QuacktraceError(f"{path}: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


class _Progress:
    """Writes, and on a terminal tells how much."""

    def __init__(self, path: Path, file: IO[bytes] | gzip.GzipFile) -> None:
        self._path = path
        self._file = file
        self._written = 0
        self._told_at = 0.0

    def write(self, piece: bytes) -> None:
        """Append the piece."""
        self._file.write(piece)
        self._written += len(piece)
        if sys.stderr.isatty() and time.monotonic() - self._told_at > _STEP_S:
            self._told_at = time.monotonic()
            told = f"{printable(self._path.name)}: {self._written / 1e6:,.1f} MB …"
            print(f"\r\x1b[K{told}", end="", file=sys.stderr, flush=True)


COMMAND = Command(
    name="export",
    summary="write stored spans as OTLP JSON lines or Parquet",
    add_arguments=_add_arguments,
    run=_run,
)
