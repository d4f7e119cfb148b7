"""Interrupts what takes too long: one thread for all, as starting a timer costs more than many a query."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

# The thread wakes this often; it is woken only for a deadline that comes sooner.
_LONGEST_SLEEP_S: Final = 5.0


class Deadlines:
    """Thread-safe; the thread starts with the first deadline."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._numbers = count()
        self._pending: dict[int, tuple[float, Callable[[], None]]] = {}
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None
        self._stopping = False

    @contextmanager
    def after(self, seconds: float, interrupt: Callable[[], None]) -> Iterator[None]:
        """Call `interrupt`, once and from another thread, if the block takes longer; never after its end."""
        at = time.monotonic() + seconds
        with self._condition:
            number = next(self._numbers)
            self._pending[number] = (at, interrupt)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif at < self._wakes_at:
                self._condition.notify()
        try:
            yield
        finally:
            with self._condition:
                self._pending.pop(number, None)

    def stop(self) -> None:
        """End the thread."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        with self._condition:
            while not self._stopping:
                now = time.monotonic()
                for number in [number for number, (at, _) in self._pending.items() if at <= now]:
                    self._pending.pop(number)[1]()
                self._wakes_at = min([now + _LONGEST_SLEEP_S, *(at for at, _ in self._pending.values())])
                self._condition.wait(self._wakes_at - now)
