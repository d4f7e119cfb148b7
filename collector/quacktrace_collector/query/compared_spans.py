"""The spans of a window and of its baseline, read into the columns that a diagnosis works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from quacktrace_collector.diagnose.span_columns import ComparedSpans, Flags, numbered
from quacktrace_collector.diagnose.trace_tree import Rows
from quacktrace_collector.query.sql_files import Query
from quacktrace_collector.query.window import Window
from quacktrace_collector.store import Store
from quacktrace_collector.store.rollups.frame import Texts, compute
from quacktrace_collector.store.seen import Keys, span_keys, trace_keys
from quacktrace_collector.time_range import TimeRange

_SALT: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Row i of everything is the same span."""

    spans: ComparedSpans
    trace_ids: pa.ChunkedArray[Any]
    kinds: Texts
    places: dict[str, Texts]
    """`service_version` and `service_instance_id`."""

    def count(self, *, current: bool) -> tuple[int, int]:
        """Traces and spans of the window, or of the baseline."""
        which = self.spans.is_current == current
        return len(np.unique(self.spans.trace[which])), int(which.sum())


def load_compared(store: Store, window: tuple[TimeRange, int], baseline: tuple[TimeRange, int]) -> Loaded:
    """Each range with the `n` of "every nth trace"."""
    tables = [_spans(store, range_, one_in) for range_, one_in in (window, baseline)]
    logs = [_error_logs(store, range_, one_in) for range_, one_in in (window, baseline)]
    is_current = np.repeat([True, False], [table.num_rows for table in tables])
    table = pa.concat_tables(tables)
    # Ranges may overlap: a span of both is one of each.
    salt = np.where(is_current, _SALT, np.uint64(0))
    index = _KeyIndex.of(span_keys(table["trace_id"], table["span_id"]) ^ salt)
    service, name = Texts.of(table["service_name"]), Texts.of(table["name"])
    # An operation is a service and a name; kinds of one name belong together, like a client's span and its retry.
    names = len(name.values)
    pairs, operation = numbered(service.codes * names + name.codes, below=len(service.values) * names)
    start_ns = table["start_ns"].to_numpy()
    kinds = Texts.of(table["kind"])
    failed = compute.fill_null(table["failed"], False).to_numpy().copy()
    with_error_log = index.rows_of(np.concatenate([logs[0] ^ _SALT, logs[1]]))
    failed[with_error_log[with_error_log >= 0]] = True
    spans = ComparedSpans(
        services=service.values,
        operations=[name.values[code] for code in (pairs % names).tolist()],
        operation_service=pairs // names,
        service=service.codes,
        operation=operation,
        parent=_parents(index, span_keys(table["trace_id"], table["parent_span_id"]) ^ salt),
        trace=np.unique(trace_keys(table["trace_id"]), return_inverse=True)[1],
        start_ns=start_ns,
        end_ns=start_ns + table["duration_ns"].to_numpy(),
        failed=failed,
        is_consumer=_equals(kinds, "CONSUMER"),
        peer=_peers(table),
        is_current=is_current,
    )
    places = {column: Texts.of(table[column]) for column in ("service_version", "service_instance_id")}
    return Loaded(spans, table["trace_id"], kinds, places)


def _spans(store: Store, range_: TimeRange, one_in: int) -> pa.Table:
    narrowed = Window(range_.from_ns, range_.to_ns, store.data_range()).narrowed
    return store.query(
        Query.DIAGNOSE_SPANS.sql,
        {"from_ns": narrowed.from_ns, "to_ns": narrowed.to_ns, "one_in": one_in},
        time_range=narrowed,
    )


def _error_logs(store: Store, range_: TimeRange, one_in: int) -> Keys:
    narrowed = Window(range_.from_ns, range_.to_ns, store.data_range("logs")).narrowed
    table = store.query(
        Query.DIAGNOSE_ERROR_LOGS.sql,
        {"from_ns": narrowed.from_ns, "to_ns": narrowed.to_ns, "one_in": one_in},
        time_range=narrowed,
    )
    return span_keys(table["trace_id"], table["span_id"])


@dataclass(frozen=True, slots=True)
class _KeyIndex:
    """Finds rows by the hash of their ids."""

    order: Rows
    ordered: Keys

    @staticmethod
    def of(keys: Keys) -> _KeyIndex:
        order = np.argsort(keys)
        return _KeyIndex(order, keys[order])

    def rows_of(self, keys: Keys) -> Rows:
        """-1 for none."""
        if not len(self.order):
            return np.full(len(keys), -1)
        place = np.minimum(np.searchsorted(self.ordered, keys), len(self.order) - 1)
        return np.where(self.ordered[place] == keys, self.order[place], -1)


def _parents(index: _KeyIndex, parent_keys: Keys) -> Rows:
    rows = index.rows_of(parent_keys)
    return np.where(rows == np.arange(len(rows)), -1, rows)


def _peers(table: pa.Table) -> Rows:
    """Only clients say whom they call: a server's `server.address` is its own."""
    address = Texts.of(table["peer"])
    is_known = np.array([bool(value) for value in address.values])
    return np.where(is_known[address.codes], address.codes, -1)


def _equals(texts: Texts, value: str) -> Flags:
    equal: Flags = texts.codes == (texts.values.index(value) if value in texts.values else -1)
    return equal
