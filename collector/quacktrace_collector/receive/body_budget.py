"""How much memory bodies may take that are being read or validated: however many connections send, it is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from quacktrace_collector.errors import OverloadedError

MAX_BYTES: Final = 96 << 20
"""Five bodies of the largest size, or all that hundreds of ordinary clients send at once."""


class BodyBudget:
    """Belongs to one event loop."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._taken = 0

    @contextmanager
    def share(self) -> Iterator[BodyShare]:
        """One body's share, until the block ends."""
        share = BodyShare(self)
        try:
            yield share
        finally:
            self._taken -= share.size

    def grow(self, share: BodyShare, size: int) -> None:
        """Note that the body has so many bytes by now.

        Raises:
            OverloadedError: there are too many bodies; one alone may have any size.
        """
        others = self._taken - share.size
        if others and others + size > self._max_bytes:
            raise OverloadedError("too many large requests at once", hint="send the same request again in a second")
        self._taken, share.size = others + size, size


class BodyShare:
    """What one body takes."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self.size = 0

    def grow(self, size: int) -> None:
        """See `BodyBudget.grow`."""
        self._budget.grow(self, size)
