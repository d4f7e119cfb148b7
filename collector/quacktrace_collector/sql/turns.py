"""Whose query runs next: many clients share a few workers, and nobody's long queries keep the others waiting."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

__all__ = ["Turns"]


@dataclass(slots=True)
class _Waiter:
    client: str
    is_slow: bool
    granted: asyncio.Future[None]


class Turns:
    """`slots` queries at once, one fewer that are known to be slow; next is the client with the fewest running.

    Belongs to one event loop. A client is whatever tells users apart; within one, the first to ask is the first to run.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._most_slow = max(slots - 1, 1)
        self._running: Counter[str] = Counter()
        self._slow_running = 0
        self._waiting: list[_Waiter] = []

    async def take(self, client: str, *, is_slow: bool = False) -> None:
        """Return when it is this query's turn; `release` with the same arguments when it has ended."""
        waiter = _Waiter(client, is_slow, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._grant()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:
                self.release(client, is_slow=is_slow)
            raise

    def release(self, client: str, *, is_slow: bool = False) -> None:
        """Let the next one run."""
        self._running[client] -= 1
        self._running += Counter()
        self._slow_running -= is_slow
        self._grant()

    def _grant(self) -> None:
        while self._running.total() < self._slots:
            allowed = [
                waiter
                for waiter in self._waiting
                if not waiter.granted.done() and (not waiter.is_slow or self._slow_running < self._most_slow)
            ]
            if not allowed:
                return
            # Of equals the first: the list is in order of arrival.
            chosen = min(allowed, key=lambda waiter: (self._running[waiter.client], waiter.is_slow))
            self._waiting.remove(chosen)
            self._running[chosen.client] += 1
            self._slow_running += chosen.is_slow
            chosen.granted.set_result(None)
