"""Which generations and segments exist now, and who still reads those that are gone.

Readers pin one immutable snapshot; what was sealed meanwhile is removed when its last reader lets go.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from quacktrace_collector.store.hot.generation import Generation
from quacktrace_collector.store.sealed.segment_files import delete_segment
from quacktrace_collector.store.snapshot import HotGeneration, Segment, Snapshot


class Catalog:
    """Thread-safe. The last generation is the one being written, those before it wait to be sealed."""

    def __init__(self, generations: list[Generation], segments: list[Segment]) -> None:
        self._lock = threading.Lock()
        self.open_spans: Callable[[], HotGeneration | None] = lambda: None
        """The spans that have not ended, which every snapshot has too."""
        self._generations = tuple(generations)
        self._segments = tuple(segments)
        self._pins: Counter[int] = Counter()
        self._retired: dict[int, Generation] = {}
        self._segment_pins: Counter[Path] = Counter()
        self._retired_segments: list[Segment] = []

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
            self._segment_pins.update(segment.path for segment in segments)
        try:
            open_spans = self.open_spans()
            yield Snapshot(
                hot=(*(generation.hot() for generation in generations), *((open_spans,) if open_spans else ())),
                segments=segments,
            )
        finally:
            with self._lock:
                self._pins.subtract(generation.generation_id for generation in generations)
                self._segment_pins.subtract(segment.path for segment in segments)
                unused = self._take_unused()
            _drop(*unused)

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
        _drop(*unused)

    def replace_segments(self, gone: Sequence[Segment], by: Segment | None) -> None:
        """Neighbouring segments were merged into one, or deleted; their files go when nobody reads them."""
        with self._lock:
            remaining = [segment for segment in self._segments if segment not in gone]
            if by is not None:
                remaining.append(by)
            self._segments = tuple(sorted(remaining, key=lambda segment: segment.segment_id))
            self._retired_segments.extend(gone)
            unused = self._take_unused()
        _drop(*unused)

    def drop_empty(self, generation: Generation) -> None:
        """Nothing came to be stored in this full generation."""
        with self._lock:
            self._generations = tuple(other for other in self._generations if other is not generation)
            self._retired[generation.generation_id] = generation
            unused = self._take_unused()
        _drop(*unused)

    def remove_segment(self, segment: Segment) -> None:
        """The segment was set aside: its folder is somewhere else now."""
        with self._lock:
            self._segments = tuple(other for other in self._segments if other != segment)

    def _take_unused(self) -> tuple[list[Generation], list[Segment]]:
        generations = [self._retired.pop(id_) for id_ in list(self._retired) if self._pins[id_] <= 0]
        segments = [segment for segment in self._retired_segments if self._segment_pins[segment.path] <= 0]
        self._retired_segments = [segment for segment in self._retired_segments if segment not in segments]
        for segment in segments:
            del self._segment_pins[segment.path]
        return generations, segments


def _drop(generations: list[Generation], segments: list[Segment]) -> None:
    for generation in generations:
        generation.drop()
    for segment in segments:
        delete_segment(segment)
