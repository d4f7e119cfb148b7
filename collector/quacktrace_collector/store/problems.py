"""What is wrong with the store, in words for a person; the dashboard shows it as a banner."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from quacktrace_collector.store.damage import Damage
from quacktrace_collector.store.free_space import FreeSpace


@dataclass(frozen=True, slots=True)
class Problem:
    """`code` names it, `hint` says what to do; one that `stops_ingest` has senders answered with 503."""

    code: Literal["store_reopening", "disk_full", "quarantined"]
    message: str
    hint: str
    stops_ingest: bool


def reopening_problem(reason: str) -> Problem:
    """DuckDB gave up, and another instance is being opened."""
    return Problem(
        "store_reopening",
        f"The store is being reopened: {reason}",
        "It is tried again every second; the collector's log has the details.",
        stops_ingest=True,
    )


def space_problem(space: FreeSpace) -> Problem | None:
    """The disk is nearly full."""
    free_bytes = space.free_bytes
    if free_bytes >= space.least_bytes:
        return None
    return Problem(
        "disk_full",
        f"The disk has {free_bytes // 10**6} MB free; below {space.least_bytes // 10**6} MB nothing new is taken.",
        "Free some space, or lower --max-size or --retention; it goes on by itself then.",
        stops_ingest=True,
    )


def damage_problem(damage: Damage, data_dir: Path) -> Problem | None:
    """Something lies in quarantine."""
    names = damage.in_quarantine()
    if not names:
        return None
    shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return Problem(
        "quarantined",
        f"Stored data was damaged and set aside, so answers are partial: {shown}",
        f"Look at {data_dir / 'quarantine'}: restore from a backup, or delete what is in it to end this message.",
        stops_ingest=False,
    )
