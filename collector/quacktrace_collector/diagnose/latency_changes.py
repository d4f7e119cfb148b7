"""Which operations, and which ways between services, take longer than in the baseline, and who is to blame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from quacktrace_collector.diagnose.answers import Answers
from quacktrace_collector.diagnose.changes import FEWEST_CALLS, Change, ChangeKind
from quacktrace_collector.diagnose.span_columns import ComparedSpans, Flags, Numbers, numbered
from quacktrace_collector.diagnose.trace_tree import Rows
from quacktrace_collector.diagnose.trimmed_means import TRIMMED, Means, trimmed_means

# Slower by less than a quarter is what an hour differs from the next by without anybody having done anything.
_TOLERANCE: Final = 0.25
# The client is to blame when its other edges became slower by at least a third of what this one did, and the server's
# did not.
_CLIENT_WEIGHT: Final = 3.0
_MOST_EDGES: Final = 2_000
_FEWEST_EDGES: Final = 5


@dataclass(frozen=True, slots=True)
class LatencyTables:
    """Own times by group: the operations first, then the edges (client service, server service)."""

    group: Rows
    """By row."""
    edges: Rows
    """client * services + server, ascending."""
    means: Sequence[tuple[Means, Means]]
    """Of the window and of the baseline: without the tenth at each end, which a few outliers cannot move, and whole,
    as lost packets and pauses slow less than a tenth of the calls."""


@dataclass(frozen=True, slots=True)
class LatencyChanges:
    """What became slower."""

    changes: list[Change]
    service_scores: Numbers
    """By service: the share of the time of the requests it is part of that is extra because of it."""


def latency_tables(spans: ComparedSpans, answers: Answers) -> LatencyTables:
    """Compare every operation's own time, and every edge's, once."""
    count = len(spans.services)
    waits = answers.service >= 0
    edges, edge = numbered((spans.service * count + answers.service)[waits], below=count * count)
    group = spans.operation.copy()
    group[waits] = len(spans.operations) + edge
    groups = len(spans.operations) + len(edges)
    now = spans.is_current
    return LatencyTables(
        group=group,
        edges=edges,
        means=[
            (
                trimmed_means(group[now], spans.own_ns[now], groups=groups, trimmed=trimmed),
                _with_typical_edges(
                    trimmed_means(group[~now], spans.own_ns[~now], groups=groups, trimmed=trimmed),
                    first_edge=len(spans.operations),
                ),
            )
            for trimmed in (TRIMMED, 0.0)
        ],
    )


def _with_typical_edges(usual: Means, *, first_edge: int) -> Means:
    """Edges that the baseline has too few calls of are taken to be like the others: one network joins them all."""
    is_edge = np.arange(len(usual.count)) >= first_edge
    known = is_edge & (usual.count >= FEWEST_CALLS)
    if np.count_nonzero(known) < _FEWEST_EDGES:
        return usual
    unknown = is_edge & ~known
    means = usual.mean[known]
    return Means(
        count=np.where(unknown, FEWEST_CALLS, usual.count),
        mean=np.where(unknown, means.mean(), usual.mean),
        variance=np.where(unknown, means.var(ddof=1), usual.variance),
        median=np.where(unknown, np.median(means), usual.median),
    )


def latency_changes(spans: ComparedSpans, tables: LatencyTables, *, sureness: float) -> LatencyChanges:
    """What is slower by more than chance and a quarter of the usual."""
    (current, usual), _ = tables.means
    is_known = (current.count >= FEWEST_CALLS) & (usual.count >= FEWEST_CALLS)
    by_mean = [_excess(now, before, is_known, sureness=sureness) for now, before in tables.means]
    is_whole = by_mean[1] > by_mean[0]
    excess = np.where(is_whole, by_mean[1], by_mean[0])
    operations, services = len(spans.operations), len(spans.services)
    client, server = tables.edges // services, tables.edges % services
    slower = np.log1p(excess[operations:] / np.maximum(usual.mean[operations:], 1))
    is_servers = _server_is_guilty(client, server, slower, is_known[operations:])
    guilty = np.concatenate((spans.operation_service, np.where(is_servers, server, client)))
    # Times the share of the time that is new: a fault multiplies, what an hour differs from the next by does not.
    excess *= excess / np.maximum(np.where(is_whole, tables.means[1][0].mean, current.mean), 1)
    rows = np.flatnonzero(spans.is_current & (excess[tables.group] > 0))
    return LatencyChanges(
        changes=_changes(spans, tables, excess, guilty, rows, is_whole=is_whole),
        service_scores=_shares(
            _sums(guilty, excess * current.count, groups=services),
            _affected_ns(spans, guilty[tables.group[rows]], rows, groups=services),
        ),
    )


def _excess(current: Means, usual: Means, is_known: Flags, *, sureness: float) -> Numbers:
    error = np.sqrt(np.where(is_known, current.variance + usual.variance, 0))
    excess = np.where(is_known, current.mean - (1 + _TOLERANCE) * usual.mean - sureness * error, 0)
    return np.maximum(excess, 0)


def _server_is_guilty(client: Rows, server: Rows, slower: Numbers, is_known: Flags) -> Flags:
    """By edge: True unless the client's other edges became slower as well and the server's did not.

    A host without CPU is late with every answer it waits for, and a slow network shows on every way to and from a
    service.
    """
    is_servers = np.ones(len(client), np.bool_)
    worst_first = np.argsort(-slower, kind="stable")[:_MOST_EDGES]
    for edge in worst_first[slower[worst_first] > 0].tolist():
        others = is_known.copy()
        others[edge] = False
        alike = np.minimum(slower, slower[edge]) / slower[edge]
        of_client = alike[others & ((client == client[edge]) | (server == client[edge]))]
        of_server = alike[others & ((client == server[edge]) | (server == server[edge]))]
        for_server = 1 + (of_server.mean() if len(of_server) else 0)
        for_client = _CLIENT_WEIGHT * (of_client.mean() if len(of_client) else 0)
        is_servers[edge] = for_server >= for_client
    return is_servers


def _changes(
    spans: ComparedSpans, tables: LatencyTables, excess: Numbers, guilty: Rows, rows: Rows, *, is_whole: Flags
) -> list[Change]:
    operations, services = len(spans.operations), len(spans.services)
    (counted, _), _ = tables.means
    scores = _shares(excess * counted.count, _affected_ns(spans, tables.group[rows], rows, groups=len(excess)))
    slowest = _slowest_rows(spans, tables.group, rows, groups=len(excess))
    changes = []
    for group in np.flatnonzero(scores > 0).tolist():
        is_edge = group >= operations
        current, usual = tables.means[int(is_whole[group])]
        example = int(slowest[group])
        changes.append(
            Change(
                kind=ChangeKind.NETWORK if is_edge else ChangeKind.LATENCY,
                service=int(guilty[group]),
                operation=int(spans.operation[example]) if is_edge else group,
                caller=int(tables.edges[group - operations] // services) if is_edge else -1,
                callee=int(tables.edges[group - operations] % services) if is_edge else -1,
                score=float(scores[group]),
                calls=int(current.count[group]),
                usual_calls=int(usual.count[group]),
                value=float(current.mean[group]),
                usual_value=float(usual.mean[group]),
                median=float(current.median[group]),
                usual_median=float(usual.median[group]),
                extra_ns=float((current.mean[group] - usual.mean[group]) * current.count[group]),
                example_row=example,
            )
        )
    return changes


def _affected_ns(spans: ComparedSpans, group: Rows, rows: Rows, *, groups: int) -> Numbers:
    """By group: the time that all traces with one of its rows took."""
    traces = len(spans.trace_ns)
    if not traces:
        return np.zeros(groups)
    pairs = np.unique(group * traces + spans.trace[rows])
    return _sums(pairs // traces, spans.trace_ns[pairs % traces], groups=groups)


def _sums(group: Rows, values: Numbers, *, groups: int) -> Numbers:
    return np.bincount(group, values, groups).astype(np.float64)


def _shares(extra_ns: Numbers, affected_ns: Numbers) -> Numbers:
    """Below 1, as calls that run beside each other may have more extra time than their traces have time."""
    return extra_ns / np.maximum(extra_ns + np.maximum(affected_ns - extra_ns, affected_ns * 0.05), 1)


def _slowest_rows(spans: ComparedSpans, group: Rows, rows: Rows, *, groups: int) -> Rows:
    slowest = np.full(groups, -1, np.int64)
    ascending = rows[np.argsort(spans.own_ns[rows], kind="stable")]
    slowest[group[ascending]] = ascending
    return slowest
