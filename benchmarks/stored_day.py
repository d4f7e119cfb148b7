"""Fills a store evenly over hours with traffic: drawn once per chunk, re-stamped with new ids and times after that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from quacktrace_collector.decode import Decoded, decode_logs, decode_spans
from quacktrace_collector.store import Store
from traffic import START_NS, Model, requests

_HOUR_NS: Final = 3600 * 10**9
_CHUNK_TRACES: Final = 1100
_CHUNKS: Final = 4
_REQUEST_SPANS: Final = 500
_ID_DIGITS: Final = {"trace_id": 8, "span_id": 4, "parent_span_id": 4}
_TIMES: Final = ("start_time", "end_time", "time", "observed_time", "received_at")


@dataclass(frozen=True)
class _Chunk:
    """Decoded requests that are appended again and again with other ids and times."""

    requests: list[tuple[Decoded, Decoded]]

    @staticmethod
    def drawn(seed: int) -> _Chunk:
        """Traces of one second, in requests of about 500 spans."""
        drawn = requests(Model(seed), traces=_CHUNK_TRACES, spans_per_request=_REQUEST_SPANS)
        return _Chunk(
            [
                (
                    decode_spans([one.traces], received_at_ns=START_NS),
                    decode_logs([one.logs], received_at_ns=START_NS),
                )
                for one in drawn
            ]
        )

    def stamped(self, generation: int, first_ns: int, step_ns: int) -> Iterator[tuple[Decoded, Decoded]]:
        """The same requests with ids of their own, each in a stretch of time of its own: the step is filled evenly."""
        for index, pair in enumerate(self.requests):
            shift_ns = first_ns + index * step_ns // len(self.requests)
            spans, logs = (_stamped(decoded, generation, shift_ns) for decoded in pair)
            yield spans, logs


def fill(store: Store, *, spans: int, hours: float) -> dict[str, Any]:
    """Store that many spans evenly over the hours and seal all of it; returns what that cost."""
    chunks = [_Chunk.drawn(seed) for seed in range(_CHUNKS)]
    per_chunk = sum(decoded.table.num_rows for decoded, _ in chunks[0].requests)
    repeats = max(1, -(-spans // per_chunk))
    step_ns = int(hours * _HOUR_NS / repeats)
    cpu_s, began = 0.0, time.perf_counter()
    for repeat in range(repeats):
        stamped = list(chunks[repeat % _CHUNKS].stamped(repeat + 1, repeat * step_ns, step_ns))
        before = time.process_time()
        for decoded, logs in stamped:
            store.append(decoded, logs)
            while store.unsealed_generations >= 3:
                time.sleep(0.002)
        cpu_s += time.process_time() - before
    before = time.process_time()
    store.seal_now()
    while store.unsealed_generations:
        time.sleep(0.01)
    cpu_s += time.process_time() - before
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "store_cpu_us_per_span": round(cpu_s * 1e6 / store.counts()[0], 2),
    }


def _stamped(decoded: Decoded, generation: int, shift_ns: int) -> Decoded:
    table = decoded.table
    for name in table.column_names:
        if name in _ID_DIGITS:
            table = _set(table, name, _restamped(table[name], generation, _ID_DIGITS[name]))
        elif name in _TIMES:
            times = pa.array(table[name].cast(pa.int64()).to_numpy() + shift_ns)
            table = _set(table, name, times.cast(pa.timestamp("ns")))
    return replace(decoded, table=table)


def _set(table: pa.Table, name: str, column: Any) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)


def _restamped(ids: Any, generation: int, digits: int) -> Any:
    """Hex ids whose digits are another pseudo-random function of generation and id."""
    array = ids.combine_chunks()
    width = digits * 4
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    text = array.fill_null("0" * width).to_numpy(zero_copy_only=False).astype(f"S{width}")
    digits_of = text.view(np.uint8).reshape(-1, width)
    numbers = np.where(digits_of >= 97, digits_of - 87, digits_of - 48).astype(np.uint8)
    mask = np.random.default_rng(generation * 31 + width).integers(0, 16, width, dtype=np.uint8)
    mixed = np.frombuffer(b"0123456789abcdef", np.uint8)[numbers ^ mask]
    texts = np.ascontiguousarray(mixed).view(f"S{width}").ravel().astype(f"U{width}")
    return pa.array(texts, pa.string(), mask=~valid)
