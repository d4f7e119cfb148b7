"""What is damaged on disk: found, moved out of the way into `quarantine/`, counted and told; the rest is served."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quacktrace_collector.metrics import Metrics
from quacktrace_collector.store.hot.generation import Generation
from quacktrace_collector.store.sealed.checksums import ESSENTIAL_FILES, METADATA, damaged_files, torn_files
from quacktrace_collector.store.snapshot import Segment

_log = logging.getLogger(__name__)
# A failing query may come again and again: what was found sound is not read again at once.
_TRUSTED_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One thing that was set aside: where it is now, and why."""

    kind: str
    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Damage:
    """Thread-safe. Nothing that is set aside is ever read again or deleted by the collector."""

    def __init__(self, data_dir: Path, metrics: Metrics) -> None:
        self._quarantine = data_dir / "quarantine"
        self._metrics = metrics
        self._lock = threading.Lock()
        self._whole: set[Path] = set()
        self._read_at: dict[Path, float] = {}
        self._quarantined: tuple[Quarantined, ...] = ()
        for kind in ("generation", "segment", "file"):
            metrics.count("qt_store_quarantined_total", 0, kind=kind)
        metrics.gauge("qt_store_quarantined", lambda: len(self.in_quarantine()))
        metrics.gauge("qt_store_inspected_segments", lambda: len(self._whole))

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """What this process set aside."""
        return self._quarantined

    def in_quarantine(self) -> list[str]:
        """Names in the folder, what earlier processes set aside included; a person empties it."""
        try:
            return sorted(path.name for path in self._quarantine.iterdir() if not path.name.endswith(".wal"))
        except FileNotFoundError:
            return []

    def inspect(self, segments: Iterable[Segment], *, after_failure: bool = False) -> list[Segment]:
        """Read every file of these segments, set aside what is damaged; the segments that are gone with that.

        After the failure of a query, those that an earlier failure had read just now are looked at by their size only.
        """
        with self._lock:
            return [segment for segment in segments if not self._is_sound(segment, after_failure)]

    def next_uninspected(self, segments: Sequence[Segment]) -> Segment | None:
        """The newest segment that this process has not read whole yet."""
        known = {segment.path for segment in segments}
        self._whole &= known
        return next((one for one in reversed(segments) if one.path not in self._whole), None)

    def is_new(self, segment: Segment) -> None:
        """It was written just now: there is no need to read it back."""
        self._whole.add(segment.path)

    def set_generation_aside(self, hot_dir: Path, generation_id: int, reason: str) -> None:
        """Move the files of a generation that is not attached."""
        self._quarantine.mkdir(exist_ok=True)
        Generation.move(hot_dir, generation_id, self._quarantine)
        self._tell(Quarantined("generation", self._quarantine / f"{generation_id:012d}.duckdb", reason))

    def set_segment_aside(self, path: Path, reason: str) -> None:
        """Move a segment's folder, unless somebody else did."""
        self._move("segment", path, self._free_name(path.name), reason)

    def set_file_aside(self, path: Path, reason: str) -> None:
        """Move one file of a segment that can do without."""
        self._move("file", path, self._free_name(f"{path.parent.name}.{path.name}"), reason)

    def _is_sound(self, segment: Segment, after_failure: bool) -> bool:
        is_trusted = after_failure and time.monotonic() - self._read_at.get(segment.path, float("-inf")) < _TRUSTED_S
        for name, reason in torn_files(segment.path) if is_trusted else damaged_files(segment.path):
            if name in ESSENTIAL_FILES or name == METADATA:
                self.set_segment_aside(segment.path, f"{name} {reason}")
                return False
            self.set_file_aside(segment.path / name, reason)
        if not is_trusted:
            if after_failure:
                self._read_at[segment.path] = time.monotonic()
            self._whole.add(segment.path)
        return True

    def _free_name(self, name: str) -> Path:
        target = self._quarantine / name
        number = 1
        while target.exists():
            number += 1
            target = self._quarantine / f"{name}.{number}"
        return target

    def _move(self, kind: str, path: Path, target: Path, reason: str) -> None:
        self._quarantine.mkdir(exist_ok=True)
        try:
            path.rename(target)
        except FileNotFoundError:
            return
        self._tell(Quarantined(kind, target, reason))

    def _tell(self, what: Quarantined) -> None:
        self._quarantined = (*self._quarantined, what)
        self._metrics.count("qt_store_quarantined_total", kind=what.kind)
        _log.error("a damaged %s was moved to %s: %s", what.kind, what.path, what.reason)
