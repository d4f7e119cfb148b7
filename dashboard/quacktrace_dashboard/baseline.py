"""The answers about the time before: they hardly change, so live pages ask for them once a minute, not every tick."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any

from quacktrace_dashboard.client import QueryClient

__all__ = ["Baseline"]

_MAX_AGE_S = 60.0
_MAX_ENTRIES = 32


class Baseline:
    """A small cache over one client; keyed by whole minutes, so that a range that moves along finds its neighbour.

    Whoever reads it has just been answered about the present by the same collector, which checks access.
    """

    def __init__(self, client: QueryClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[Any, ...], tuple[float, dict[str, Any]]] = OrderedDict()

    def get(self, path: str, *, from_ms: int, to_ms: int, **parameters: int) -> dict[str, Any]:
        """Return the answer about `[from_ms, to_ms)`, both moved to whole minutes; raises DashboardError."""
        start, end = from_ms // 60_000 * 60_000, to_ms // 60_000 * 60_000
        if start >= end:
            return self._client.get(path, {"from": from_ms, "to": to_ms, **parameters})
        # Ranges of one length share an entry for a minute; another length is another question.
        key = (path, round((to_ms - from_ms) / 60_000), *sorted(parameters.items()))
        now = time.monotonic()
        with self._lock:
            asked_at, answer = self._answers.get(key, (float("-inf"), {}))
            is_near = abs(answer.get("_start", 0) - start) <= 60_000
        if now - asked_at < _MAX_AGE_S and is_near:
            return answer
        answer = {**self._client.get(path, {"from": start, "to": end, **parameters}), "_start": start}
        with self._lock:
            self._answers[key] = (now, answer)
            self._answers.move_to_end(key)
            while len(self._answers) > _MAX_ENTRIES:
                self._answers.popitem(last=False)
        return answer
