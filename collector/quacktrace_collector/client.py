"""Ask a running collector in SQL from Python, a notebook for instance:

from quacktrace_collector.client import connect
connect("http://localhost:4318").sql("from traces order by duration_ns desc limit 5").pandas()
"""

from __future__ import annotations

import importlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.ipc

from quacktrace_collector.errors import (
    BadRequestError,
    OverloadedError,
    QuacktraceError,
    QueryCancelledError,
    QueryRefusedError,
    QueryTimeoutError,
    QueryTooLargeError,
)

__all__ = ["Connection", "ConnectionFailedError", "Rows", "connect"]

_ARROW = "application/vnd.apache.arrow.stream"
_NAMED = "quacktrace_collector.client"
_ERRORS: dict[str, type[QuacktraceError]] = {
    error.code: error
    for error in (BadRequestError, OverloadedError, QueryCancelledError, QueryTimeoutError, QueryTooLargeError)
}


class ConnectionFailedError(QuacktraceError):
    """The collector does not answer, or cuts the answer off."""

    code = "unreachable"


class Rows:
    """A query's answer; iterating gives tuples."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._table.column_names)

    def arrow(self) -> pa.Table:
        """An Arrow table: no copy."""
        return self._table

    def pandas(self) -> Any:
        """A pandas DataFrame; pandas has to be installed."""
        return self._table.to_pandas()

    def polars(self) -> Any:
        """A polars DataFrame; polars has to be installed."""
        return importlib.import_module("polars").from_arrow(self._table)

    def dicts(self) -> list[dict[str, Any]]:
        """One dict a row."""
        rows: list[dict[str, Any]] = self._table.to_pylist()
        return rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*(column.to_pylist() for column in self._table.columns), strict=True)

    def __len__(self) -> int:
        return self._table.num_rows

    def __repr__(self) -> str:
        return f"Rows({len(self)} × {', '.join(self.columns)})"


class Connection:
    """A collector's address and token; every query has a connection of its own."""

    def __init__(self, url: str, *, token: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._token = token
        # Without a ProxyHandler of its own an opener would obey http_proxy, and send queries to whatever it names.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def sql(self, query: str, *, limit: int = 1_000_000, timeout_s: float = 60.0) -> Rows:
        """The rows of one statement; raises the errors of `quacktrace_collector.errors`, or ConnectionFailedError."""
        body = {"query": query, "limit": limit, "timeout_s": timeout_s, "stream": True}
        headers = {"Content-Type": "application/json", "Accept": _ARROW, "X-Quacktrace-Client": _NAMED}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(f"{self._url}/api/v1/sql", json.dumps(body).encode(), headers)
        try:
            response = self._opener.open(request, timeout=timeout_s + 30.0)
            with response, pa.ipc.open_stream(response) as reader:
                return Rows(reader.read_all())
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error.code, error.read()) from None
        except (OSError, pa.ArrowInvalid) as error:
            raise ConnectionFailedError(
                f"{self._url} did not answer to the end: {error}", hint="Check that `quacktrace up` is running there."
            ) from error


def connect(url: str = "http://localhost:4318", *, token: str | None = None) -> Connection:
    """A connection to the collector at `url`; nothing is sent before the first query."""
    return Connection(url, token=token)


def _refusal(status: int, body: bytes) -> QuacktraceError:
    try:
        error = json.loads(body)["error"]
        code, message, hint = str(error["code"]), str(error["message"]), str(error.get("hint") or "")
    except (ValueError, KeyError, TypeError):
        return ConnectionFailedError(f"The collector answered with HTTP status {status}.")
    if code == QueryRefusedError.code:
        return QueryRefusedError(message, hint=hint, position=error.get("position"))
    return _ERRORS.get(code, QuacktraceError)(message, hint=hint, code=code)
