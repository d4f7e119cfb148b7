"""Which generations and segments exist now, and who still reads those that are gone.

Readers pin one immutable snapshot; what was sealed meanwhile is removed when its last reader lets go.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from quacktrace_collector.store.generation import Generation
from quacktrace_collector.store.snapshot import Segment, Snapshot


class Catalog:
    """Thread-safe. The last generation is the one being written, those before it wait to be sealed."""

    def __init__(self, generations: list[Generation], segments: list[Segment]) -> None:
        self._lock = threading.Lock()
        self._generations = tuple(generations)
        self._segments = tuple(segments)
        self._pins: Counter[int] = Counter()
        self._retired: dict[int, Generation] = {}

    @property
    def active(self) -> Generation:
        """The generation being written."""
        return self._generations[-1]

    @property
    def full(self) -> tuple[Generation, ...]:
        """Generations that wait to be sealed, oldest first."""
        return self._generations[:-1]

    @property
    def generations(self) -> tuple[Generation, ...]:
        """All hot generations, oldest first."""
        return self._generations

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All sealed segments, oldest first."""
        return self._segments

    @contextmanager
    def pin(self) -> Iterator[Snapshot]:
        """Everything acknowledged before this moment; its files stay until the context ends."""
        with self._lock:
            generations, segments = self._generations, self._segments
            self._pins.update(generation.generation_id for generation in generations)
        try:
            yield Snapshot(
                hot=tuple(generation.tables() for generation in generations),
                segments=segments,
                feeds=tuple(generation.feed() for generation in generations),
            )
        finally:
            with self._lock:
                self._pins.subtract(generation.generation_id for generation in generations)
                unused = self._take_unused()
            for generation in unused:
                generation.drop()

    def start(self, generation: Generation) -> None:
        """Write to `generation` from now on."""
        with self._lock:
            self._generations = (*self._generations, generation)

    def replace(self, generation: Generation, segment: Segment) -> None:
        """The generation's rows are in the sealed segment now; it is dropped when nobody reads it."""
        with self._lock:
            self._generations = tuple(other for other in self._generations if other is not generation)
            self._segments = (*self._segments, segment)
            self._retired[generation.generation_id] = generation
            unused = self._take_unused()
        for retired in unused:
            retired.drop()

    def _take_unused(self) -> list[Generation]:
        return [self._retired.pop(id_) for id_ in list(self._retired) if self._pins[id_] <= 0]
