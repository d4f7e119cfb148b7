"""Puts the relations `spans` and `logs` of a snapshot in front of a query."""

from __future__ import annotations

import re

from quacktrace_collector.store.snapshot import Snapshot
from quacktrace_collector.store.views import Kind
from quacktrace_collector.time_range import TimeRange

_KINDS: tuple[Kind, ...] = ("spans", "logs")
_LEADING_COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*\n)+")
_WITH = re.compile(r"\A(with\s+(?:recursive\s+)?)", re.IGNORECASE)


def compose(sql: str, snapshot: Snapshot, time_range: TimeRange | None) -> str:
    """`sql` with the snapshot's relations as its first common table expressions, only those it names."""
    body = _LEADING_COMMENTS.sub("", sql)
    relations = ", ".join(
        f"{kind} as not materialized ({snapshot.relation(kind, time_range)})"
        for kind in _KINDS
        if re.search(rf"\b{kind}\b", body)
    )
    if not relations:
        return body
    head = _WITH.match(body)
    if head:
        return f"{head.group(1)}{relations}, {body[head.end() :]}"
    return f"with {relations} {body}"
