"""Calls as they are counted or taken back, until they are summed into a rollup's table."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.store.rollups.calls import Flags
from quacktrace_collector.store.rollups.frame import Entries, Frame, Texts, Words
from quacktrace_collector.store.rollups.histogram import Integers
from quacktrace_collector.store.rollups.tables import FAILED_SCORE, NO_EXAMPLE, sum_edges, sum_red

MINUTE_NS: Final = 60 * 10**9
KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")

Codes = npt.NDArray[Any]


class _Events:
    """Rows of columns, each with the sign it counts by."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._rows: list[dict[str, npt.NDArray[Any]]] = []

    def _append(self, sign: int, columns: dict[str, Codes]) -> None:
        rows = len(columns["minute"])
        if rows:
            self._rows.append({**columns, "sign": np.full(rows, sign, np.int64)})

    def _column(self, name: str) -> Integers:
        columns = [rows[name] for rows in self._rows]
        return np.concatenate([np.empty(0, np.int64), *columns]).astype(np.int64)

    def _frame(self, texts: dict[str, Texts], numbers: dict[str, Integers]) -> Frame:
        sign = self._column("sign")
        return Frame(
            texts,
            {
                "minute": self._column("minute") * MINUTE_NS,
                "calls": sign,
                "errors": sign * self._column("is_error"),
                **numbers,
            },
            Entries(np.arange(len(sign)), self._column("bucket").astype(np.int16), sign),
        )


class EdgeEvents(_Events):
    """Calls over edges; texts are numbers of the words."""

    def add(
        self,
        *,
        minute: Codes,
        client: Codes,
        server: Codes,
        type_: Codes,
        bucket: Codes,
        is_error: Flags,
        sign: int = 1,
    ) -> None:
        """One call a row; a negative sign takes it back."""
        columns = {"minute": minute, "client": client, "server": server, "type": type_}
        self._append(sign, {**columns, "bucket": bucket, "is_error": is_error})

    def table(self) -> pa.Table:
        """The sum as EDGES."""
        names = {"client_service": "client", "server_service": "server", "type": "type"}
        texts = {name: Texts(self._column(column), self._words.values) for name, column in names.items()}
        return sum_edges(self._frame(texts, {}))


class RedEvents(_Events):
    """Spans by operation; service and name are numbers of the words, kind is a position in KINDS."""

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._example_ids: list[Any] = []

    def add(
        self,
        *,
        minute: Codes,
        service: Codes,
        name: Codes,
        kind: Codes,
        is_entry: Flags,
        bucket: Codes,
        is_error: Flags,
        duration_ns: Codes,
        trace_ids: Any = None,
        sign: int = 1,
    ) -> None:
        """One span a row, which may serve as an example if its trace id is given; a negative sign takes it back."""
        score = np.full(len(minute), NO_EXAMPLE, np.int64)
        if trace_ids is not None:
            score = np.minimum(duration_ns, FAILED_SCORE - 1) + is_error * np.int64(FAILED_SCORE)
        if len(minute):
            self._example_ids.append(pa.nulls(len(minute), pa.string()) if trace_ids is None else trace_ids)
        columns = {"minute": minute, "service": service, "name": name, "kind": kind, "is_entry": is_entry}
        self._append(
            sign,
            {**columns, "bucket": bucket, "is_error": is_error, "duration_ns": duration_ns, "score": score},
        )

    def table(self) -> pa.Table:
        """The sum as RED."""
        texts = {
            "service_name": Texts(self._column("service"), self._words.values),
            "name": Texts(self._column("name"), self._words.values),
            "kind": Texts(self._column("kind"), list(KINDS)),
        }
        numbers = {
            "is_entry": self._column("is_entry"),
            "duration_sum_ns": self._column("sign") * self._column("duration_ns"),
            "example_score": self._column("score"),
        }
        return sum_red(self._frame(texts, numbers), pa.chunked_array(self._example_ids, pa.string()))
