"""Whether a change is that of one version or instance of the service."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from quacktrace_collector.diagnose.changes import Change, ChangeKind
from quacktrace_collector.query.compared_spans import Loaded

_ATTRIBUTES: Final = {"service_version": "service.version", "service_instance_id": "service.instance.id"}
_MOST_VALUES: Final = 5
# Named when it has this much of what changed and at most this much of the calls, or was not there before.
_SHARE_OF_CHANGE: Final = 0.7
_SHARE_OF_CALLS: Final = 0.6


def where_in_service(change: Change, loaded: Loaded) -> list[dict[str, Any]]:
    """Versions and instances that have most of the change but not most of the calls, or that are new."""
    spans = loaded.spans
    is_operation = spans.operation == change.operation
    rows = np.flatnonzero(is_operation & spans.is_current)
    usual_rows = np.flatnonzero(is_operation & ~spans.is_current)
    if change.kind is ChangeKind.ERRORS:
        amount = spans.failed[rows].astype(np.float64)
    elif change.kind in (ChangeKind.LATENCY, ChangeKind.NETWORK):
        amount = np.maximum(spans.own_ns[rows] - change.usual_value, 0)
    else:
        amount = np.ones(len(rows))
    places = []
    for column, texts in loaded.places.items():
        usual = set(np.unique(texts.codes[usual_rows]).tolist())
        calls = np.bincount(texts.codes[rows], minlength=len(texts.values))
        share = np.bincount(texts.codes[rows], amount, len(texts.values)) / max(float(amount.sum()), 1e-9)
        for code in np.argsort(-share, kind="stable")[:_MOST_VALUES].tolist():
            is_new = bool(usual) and code not in usual
            is_concentrated = share[code] >= _SHARE_OF_CHANGE and calls[code] <= _SHARE_OF_CALLS * len(rows)
            if texts.values[code] and calls[code] and share[code] > 0 and (is_new or is_concentrated):
                places.append(
                    {
                        "attribute": _ATTRIBUTES[column],
                        "value": texts.values[code],
                        "is_new": is_new,
                        "calls": int(calls[code]),
                        "share_of_calls": float(calls[code] / len(rows)),
                        "share_of_change": float(share[code]),
                    }
                )
    return places
