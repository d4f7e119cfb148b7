"""A circuit breaker: after too many failures, fail at once for a while instead of waiting for the next one."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

from quacktrace_demo.errors import CircuitOpenError

__all__ = ["CircuitBreaker"]

logger = logging.getLogger(__name__)


class CircuitBreaker:
    """Closed until half of the last `window` attempts failed; then open for `open_s`; then one attempt decides."""

    def __init__(
        self, service: str, *, window: int = 8, open_s: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._service = service
        self._failures: deque[bool] = deque(maxlen=window)
        self._open_s = open_s
        self._opened_at: float | None = None
        self._clock = clock

    def check(self) -> None:
        """Raise CircuitOpenError while the circuit is open; past that, let one attempt through."""
        if self._opened_at is None:
            return
        wait_s = self._opened_at + self._open_s - self._clock()
        if wait_s > 0:
            raise CircuitOpenError(self._service, wait_s)
        self._opened_at = self._clock()

    def record(self, *, has_failed: bool) -> None:
        """Count the outcome of an attempt that `check` let through."""
        if self._opened_at is not None and not has_failed:
            logger.info("circuit to %s closed", self._service)
            self._opened_at = None
            self._failures.clear()
        self._failures.append(has_failed)
        is_full = len(self._failures) == self._failures.maxlen
        if self._opened_at is None and is_full and sum(self._failures) * 2 >= len(self._failures):
            logger.error(
                "circuit to %s opened: %d of its last %d calls failed",
                self._service,
                sum(self._failures),
                len(self._failures),
                extra={"upstream": self._service},
            )
            self._opened_at = self._clock()
