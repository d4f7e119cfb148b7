"""A sealed segment on disk: a folder of immutable files whose appearance is the commit point.

Files are written and fsynced under a temporary name, then the folder is renamed. `sealed/<first>-<last>` that exists
makes the generations first to last, and every narrower segment among them, void, whatever is left of their files.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Final

from quacktrace_collector.store.damage import Damage
from quacktrace_collector.store.durable import sync
from quacktrace_collector.store.sealed.checksums import (
    ESSENTIAL_FILES,
    METADATA,
    metadata_document,
    read_metadata,
    torn_files,
)
from quacktrace_collector.store.snapshot import Segment

_TEMPORARY: Final = ".tmp-"
_FIELDS: Final = frozenset(field.name for field in fields(Segment))


@contextmanager
def new_segment_folder(sealed_dir: Path, name: str) -> Iterator[Path]:
    """An empty folder to write a segment's files into; removed if the block fails."""
    temporary = sealed_dir / f"{_TEMPORARY}{name}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def commit_segment(folder: Path, segment: Segment) -> Segment:
    """Make a written folder the segment, with its size in bytes; durable when this returns."""
    segment = replace(segment, size_bytes=sum(path.stat().st_size for path in folder.iterdir()))
    metadata = {key: value for key, value in asdict(segment).items() if key != "path"}
    (folder / METADATA).write_bytes(metadata_document(folder, metadata))
    for path in (*folder.iterdir(), folder):
        sync(path)
    folder.rename(segment.path)
    sync(segment.path.parent)
    return segment


def segment_path(sealed_dir: Path, first_id: int, segment_id: int) -> Path:
    """Where the segment of these generations lives."""
    return sealed_dir / f"{first_id:012d}-{segment_id:012d}"


def delete_segment(segment: Segment) -> None:
    """Remove a segment's folder; it is gone at once, however long the unlinking takes or if it is cut short."""
    doomed = segment.path.with_name(f"{_TEMPORARY}{segment.path.name}")
    try:
        segment.path.rename(doomed)
    except FileNotFoundError:
        return  # set aside meanwhile
    shutil.rmtree(doomed)


def load_segments(sealed_dir: Path, *, damage: Damage) -> list[Segment]:
    """The sealed segments, oldest first; what an interrupted sealing, merging or deleting left is removed.

    Files are read only as far as their size: a torn one is found here, a flipped bit when the file is inspected.
    """
    segments: list[Segment] = []
    for path in sorted(sealed_dir.iterdir()):
        if path.name.startswith(_TEMPORARY):
            shutil.rmtree(path)
            continue
        segment = _load(path, damage)
        if segment is not None:
            segments.append(segment)
    current = [segment for segment in segments if not any(other.covers(segment) for other in segments)]
    for segment in segments:
        if segment not in current:
            delete_segment(segment)
    return sorted(current, key=lambda segment: segment.segment_id)


def _load(path: Path, damage: Damage) -> Segment | None:
    try:
        metadata = read_metadata(path)
        segment = Segment(path=path, **{key: value for key, value in metadata.items() if key in _FIELDS})
    except (OSError, ValueError, TypeError) as error:
        damage.set_segment_aside(path, f"{METADATA} cannot be read: {error}")
        return None
    for name, reason in torn_files(path):
        if name in ESSENTIAL_FILES:
            damage.set_segment_aside(path, f"{name} {reason}")
            return None
        damage.set_file_aside(path / name, reason)
    return segment
