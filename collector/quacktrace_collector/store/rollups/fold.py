"""Folds spans into rollups, part after part in order of arrival; what a part changes in earlier ones it corrects.

The rows of all parts add up to what the SQL views `red`, `edges` and `traces` compute from all spans together. A span's
parent, child or linked span can be in another part: for that the newest parts' facts and open references are kept.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from quacktrace_collector.decode.arrow_views import elements_of, rows_of_elements
from quacktrace_collector.store.rollups.calls import Facts, Flags, Part, References, find, join_references, take
from quacktrace_collector.store.rollups.events import KINDS, MINUTE_NS, EdgeEvents, RedEvents
from quacktrace_collector.store.rollups.frame import Frame, Texts, Words, compute
from quacktrace_collector.store.rollups.histogram import Integers, bucket_of
from quacktrace_collector.store.rollups.nodes import FAMILIES, NO_NODE, NODE_COLUMNS, called_nodes, families
from quacktrace_collector.store.rollups.tables import Rollup, last_instances
from quacktrace_collector.store.rollups.traces import trace_rows
from quacktrace_collector.store.seen import Keys, span_keys

SPAN_COLUMNS: Final = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "name",
    "kind",
    "start_time",
    "end_time",
    "duration_ns",
    "status_code",
    "links",
    *NODE_COLUMNS,
)
ORIGIN_COLUMNS: Final = ("service_name", "service_version", "service_instance_id")

_RECEIVES: Final = np.array([kind in ("SERVER", "CONSUMER") for kind in KINDS])
_SENDS: Final = np.array([kind in ("CLIENT", "PRODUCER") for kind in KINDS])
_UNKNOWN: Final = -1
# Spans of a trace arrive within seconds: a quarter of a million spans are kept however old they are, more for so long.
_KEPT_BYTES: Final = 6 << 20
_OLD_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class _Batch:
    """Spans in the order of their table; texts are numbers of `words`."""

    spans: pa.Table
    words: Words
    key: Keys
    by_key: Integers
    sorted_key: Keys
    service: Integers
    name: Integers
    kind: Integers
    family: npt.NDArray[np.uint8]
    node: Integers
    """NO_NODE is written over calls that turn out to be answered."""
    start_ns: Integers
    minute: Integers
    duration_ns: Integers
    bucket: npt.NDArray[np.int16]
    is_error: Flags

    def rows_of(self, keys: Keys) -> tuple[Integers, Flags]:
        """The row of each key, and whether it is here."""
        places, found = find(self.sorted_key, keys)
        return (self.by_key[places] if len(self.by_key) else places), found


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Spans that refer to others: their row, the other's key, and the word of its service once that is known."""

    row: Integers
    target: Keys
    service: Integers

    @property
    def is_waiting(self) -> Flags:
        is_waiting: Flags = self.service == _UNKNOWN
        return is_waiting


class Fold:
    """Not thread-safe."""

    def __init__(self, *, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._parts: list[Part] = []

    def add(self, spans: pa.Table) -> tuple[Rollup, Part]:
        """Their rollup, which corrects earlier ones, and what is kept; needs SPAN_COLUMNS and ORIGIN_COLUMNS."""
        batch = _batch(spans)
        red, edges = RedEvents(batch.words), EdgeEvents(batch.words)
        parents, links = _parents(batch), _links(batch)
        for part in reversed(self._parts):
            _look_up(part, batch, parents, edges)
            _look_up(part, batch, links, None)
        settled = [_settle(part, batch, red, edges) for part in self._parts]
        _count_calls(batch, parents, red, edges)
        _count_links(batch, links, edges)
        _count_inferred(batch, edges)
        part = _part(batch, parents, links)
        self._parts.append(part)
        self._forget()
        traces = trace_rows(
            spans,
            Texts(batch.service, batch.words.values),
            missing=parents.row[parents.is_waiting],
            arrived=np.concatenate([np.empty(0, np.int64), *settled]),
        )
        return Rollup(red.table(), edges.table(), _instances(batch), traces), part

    def replace(self, parts: Sequence[Part], joined: Part) -> None:
        """`joined`, which holds the same spans, stands for these neighbouring parts from now on."""
        ids = {id(part) for part in parts}
        places = [index for index, part in enumerate(self._parts) if id(part) in ids]
        # Some may have been forgotten already.
        if len(places) == len(ids):
            self._parts[places[0] : places[-1] + 1] = [joined]

    def _forget(self) -> None:
        size = sum(part.size_bytes for part in self._parts)
        old_s = time.monotonic() - _OLD_S
        while len(self._parts) > 1 and (
            size > self._most_bytes or (size > _KEPT_BYTES and self._parts[0].arrived_s < old_s)
        ):
            size -= self._parts.pop(0).size_bytes


def _batch(spans: pa.Table) -> _Batch:
    words = Words()
    key = span_keys(spans["trace_id"], spans["span_id"])
    by_key = np.argsort(key)
    kinds = Texts.of(spans["kind"])
    kind = np.array([KINDS.index(value) if value in KINDS else 0 for value in kinds.values], np.int64)[kinds.codes]
    service = Texts.of(spans["service_name"]).in_words(words)
    start_ns = spans["start_time"].cast(pa.int64()).to_numpy()
    duration_ns = spans["duration_ns"].to_numpy()
    node = np.full(len(key), NO_NODE, np.int64)
    outgoing = np.flatnonzero(_SENDS[kind])
    node[outgoing] = called_nodes(spans.select(NODE_COLUMNS).take(outgoing), service[outgoing], words)
    return _Batch(
        spans=spans,
        words=words,
        key=key,
        by_key=by_key,
        sorted_key=key[by_key],
        service=service,
        name=Texts.of(spans["name"]).in_words(words),
        kind=kind,
        family=families(spans),
        node=node,
        start_ns=start_ns,
        minute=start_ns // MINUTE_NS,
        duration_ns=duration_ns,
        bucket=bucket_of(duration_ns),
        is_error=compute.equal(spans["status_code"], "ERROR").to_numpy(),
    )


def _parents(batch: _Batch) -> _Pairs:
    parent_ids = batch.spans["parent_span_id"]
    has_parent = compute.is_valid(parent_ids)
    row = np.flatnonzero(has_parent.to_numpy())
    target = span_keys(batch.spans["trace_id"].filter(has_parent), parent_ids.filter(has_parent))
    parent, is_here = batch.rows_of(target)
    pairs = _Pairs(row, target, np.where(is_here, batch.service[parent], _UNKNOWN) if len(row) else row)
    child, parent = row[is_here], parent[is_here]
    answered = _answers(batch, child, batch.service[parent], batch.family[parent])
    batch.node[parent[answered]] = NO_NODE
    return pairs


def _links(batch: _Batch) -> _Pairs:
    column = batch.spans["links"].combine_chunks()
    offsets, links = elements_of(column)
    row = rows_of_elements(offsets)
    if not len(row):
        return _Pairs(row, np.empty(0, np.uint64), row)
    target = span_keys(pa.chunked_array([links.field("trace_id")]), pa.chunked_array([links.field("span_id")]))
    linked, is_here = batch.rows_of(target)
    return _Pairs(row, target, np.where(is_here, batch.service[linked], _UNKNOWN))


def _answers(batch: _Batch, child: Integers, service: Integers, family: npt.NDArray[Any]) -> Flags:
    """Whether the span `child` shows that its parent's call reached someone; see the SQL view _inferred_calls."""
    kind = batch.kind[child]
    answers: Flags = (
        (batch.service[child] != service) | _RECEIVES[kind] | (_SENDS[kind] & (batch.family[child] == family))
    )
    return answers


def _look_up(part: Part, batch: _Batch, pairs: _Pairs, edges: EdgeEvents | None) -> None:
    """Find parents (then with `edges`) or linked spans in an earlier part; calls now answered are taken back."""
    waiting = np.flatnonzero(pairs.is_waiting)
    if not len(waiting):
        return
    facts = part.facts
    place, found = find(facts.key, pairs.target[waiting])
    waiting, place = waiting[found], place[found]
    service = part.in_words(facts.service[place], batch.words)
    pairs.service[waiting] = service
    if edges is None:
        return
    answered = _answers(batch, pairs.row[waiting], service, facts.family[place]) & (facts.node[place] != NO_NODE)
    calls = take(facts, np.unique(place[answered]))
    _add_inferred(
        edges,
        batch.words,
        client=part.in_words(calls.service, batch.words),
        node=part.in_words(calls.node, batch.words),
        facts=calls,
        sign=-1,
    )
    facts.node[place[answered]] = NO_NODE


def _settle(part: Part, batch: _Batch, red: RedEvents, edges: EdgeEvents) -> Integers:
    """Count anew what of an earlier part waited for spans of this batch; the rows of parents that had been missed."""
    waiting = part.references
    row, found = batch.rows_of(waiting.target)
    if not found.any():
        return np.empty(0, np.int64)
    row, came = row[found], take(waiting, found)
    part.references = take(waiting, ~found)
    service = part.in_words(came.service, batch.words)
    differs = batch.service[row] != service
    is_child = ~came.is_link
    received = _RECEIVES[came.kind]
    changed = take(came, is_child & (received != differs))
    for is_entry, sign in ((_RECEIVES[changed.kind], -1), (~_RECEIVES[changed.kind], 1)):
        red.add(
            minute=changed.minute,
            service=part.in_words(changed.service, batch.words),
            name=part.in_words(changed.name, batch.words),
            kind=changed.kind,
            is_entry=is_entry,
            bucket=changed.bucket,
            is_error=changed.is_error,
            duration_ns=changed.duration_ns,
            sign=sign,
        )
    for type_, mask in (("call", differs & is_child), ("link", differs & came.is_link)):
        _add_edges(edges, batch, type_, batch.service[row[mask]], service[mask], take(came, mask))
    answered = is_child & (differs | received | (_SENDS[came.kind] & (came.family == batch.family[row])))
    batch.node[row[answered]] = NO_NODE
    arrived: Integers = row[is_child]
    return arrived


def _count_calls(batch: _Batch, parents: _Pairs, red: RedEvents, edges: EdgeEvents) -> None:
    is_entry = np.ones(len(batch.key), np.bool_)
    own = batch.service[parents.row]
    is_entry[parents.row] = np.where(parents.is_waiting, _RECEIVES[batch.kind[parents.row]], parents.service != own)
    red.add(
        minute=batch.minute,
        service=batch.service,
        name=batch.name,
        kind=batch.kind,
        is_entry=is_entry,
        bucket=batch.bucket,
        is_error=batch.is_error,
        duration_ns=batch.duration_ns,
        trace_ids=batch.spans["trace_id"].combine_chunks(),
    )
    crossing = np.flatnonzero(~parents.is_waiting & (parents.service != own))
    child = parents.row[crossing]
    _add_edges(edges, batch, "call", parents.service[crossing], own[crossing], _facts(batch, child))


def _count_links(batch: _Batch, links: _Pairs, edges: EdgeEvents) -> None:
    own = batch.service[links.row]
    crossing = np.flatnonzero(~links.is_waiting & (links.service != own))
    facts = _facts(batch, links.row[crossing])
    _add_edges(edges, batch, "link", links.service[crossing], own[crossing], facts)


def _count_inferred(batch: _Batch, edges: EdgeEvents) -> None:
    calls = np.flatnonzero(batch.node != NO_NODE)
    facts = _facts(batch, calls)
    _add_inferred(edges, batch.words, client=batch.service[calls], node=batch.node[calls], facts=facts, sign=1)


def _add_edges(
    edges: EdgeEvents, batch: _Batch, type_: str, client: Integers, server: Integers, calls: Facts | References
) -> None:
    edges.add(
        minute=calls.minute,
        client=client,
        server=server,
        type_=np.repeat(batch.words.numbers([type_]), len(client)),
        bucket=calls.bucket,
        is_error=calls.is_error,
    )


def _add_inferred(
    edges: EdgeEvents, words: Words, *, client: Integers, node: Integers, facts: Facts, sign: int
) -> None:
    edges.add(
        minute=facts.minute,
        client=client,
        server=node,
        type_=words.numbers(FAMILIES)[facts.family],
        bucket=facts.bucket,
        is_error=facts.is_error,
        sign=sign,
    )


def _facts(batch: _Batch, rows: Integers) -> Facts:
    return Facts(
        key=batch.key[rows],
        service=batch.service[rows].astype(np.int32),
        node=batch.node[rows].astype(np.int32),
        family=batch.family[rows],
        minute=batch.minute[rows].astype(np.int32),
        bucket=batch.bucket[rows],
        is_error=batch.is_error[rows],
    )


def _references(batch: _Batch, pairs: _Pairs, *, is_link: bool) -> References:
    waiting = pairs.is_waiting
    rows = pairs.row[waiting]
    return References(
        target=pairs.target[waiting],
        is_link=np.full(len(rows), is_link),
        service=batch.service[rows].astype(np.int32),
        name=batch.name[rows].astype(np.int32),
        kind=batch.kind[rows].astype(np.uint8),
        family=batch.family[rows],
        minute=batch.minute[rows].astype(np.int32),
        bucket=batch.bucket[rows],
        is_error=batch.is_error[rows],
        duration_ns=batch.duration_ns[rows],
    )


def _part(batch: _Batch, parents: _Pairs, links: _Pairs) -> Part:
    references = join_references([_references(batch, parents, is_link=False), _references(batch, links, is_link=True)])
    return Part.of(_facts(batch, batch.by_key), references, batch.words)


def _instances(batch: _Batch) -> pa.Table:
    texts = {name: Texts.of(batch.spans[name]) for name in ("service_version", "service_instance_id")}
    texts["service_name"] = Texts(batch.service, batch.words.values)
    return last_instances(Frame(texts, {"minute": batch.minute * MINUTE_NS, "last_start_time": batch.start_ns}))
