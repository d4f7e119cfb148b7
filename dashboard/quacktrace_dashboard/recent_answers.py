"""Answers that cost a scan of everything: live pages see them late, so that they take a bounded share of time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from quacktrace_dashboard.client import QueryClient

__all__ = ["RecentAnswers"]

# An answer that took a second is used for the next twenty: at most a twentieth of a core goes there for each view.
_AGE_FOR_COST = 20.0
_MAX_ENTRIES = 32


class RecentAnswers:
    """A small cache over one client, keyed by all that is asked but where a range that moves along stands.

    Whoever reads it has just been answered a cheaper question by the same collector, which checks access.
    """

    def __init__(self, client: QueryClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[Any, ...], tuple[float, dict[str, Any]]] = OrderedDict()

    def get(
        self, path: str, from_ms: int, to_ms: int, is_moving: bool, parameters: Mapping[str, str | int | None]
    ) -> dict[str, Any]:
        """Return the answer about the range, or of a moving one an earlier answer; raises DashboardError."""
        # A fixed range is asked about as it is: someone chose it, and a live update does not repeat it.
        key = (path, to_ms - from_ms, is_moving or from_ms, *sorted(parameters.items()))
        now = time.monotonic()
        with self._lock:
            good_until, answer = self._answers.get(key, (0.0, {}))
        if is_moving and now < good_until:
            return answer
        answer = self._client.get(path, {"from": from_ms, "to": to_ms, **parameters})
        done = time.monotonic()
        with self._lock:
            self._answers[key] = (done + (done - now) * _AGE_FOR_COST, answer)
            self._answers.move_to_end(key)
            while len(self._answers) > _MAX_ENTRIES:
                self._answers.popitem(last=False)
        return answer
