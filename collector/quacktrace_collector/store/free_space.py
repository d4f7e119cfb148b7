"""Refuses what is new before the disk is full, so that what is stored can still be sealed, merged and read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from quacktrace_collector.errors import StoreUnavailableError

LEAST_FREE_BYTES: Final = 300_000_000
"""Sealing needs some 10 MB, merging as much as its parts again, about 200 MB; a full disk fails other programs too."""


class FreeSpace:
    """Watches the disk that holds the data folder. One look is a system call of about a microsecond."""

    def __init__(self, data_dir: Path, *, least_bytes: int) -> None:
        self._data_dir = data_dir
        self.least_bytes = least_bytes

    @property
    def free_bytes(self) -> int:
        """What this process may still write there."""
        disk = os.statvfs(self._data_dir)
        return disk.f_bavail * disk.f_frsize

    @property
    def is_low(self) -> bool:
        """True when nothing new may be taken."""
        return self.free_bytes < self.least_bytes

    def check(self) -> None:
        """Pass when there is room.

        Raises:
            StoreUnavailableError: the disk is nearly full.
        """
        free_bytes = self.free_bytes
        if free_bytes < self.least_bytes:
            raise StoreUnavailableError(
                f"the disk of {self._data_dir} has {free_bytes // 10**6} MB free, fewer than the "
                f"{self.least_bytes // 10**6} MB that --min-free keeps",
                hint="free some space; until then nothing new is taken, and senders keep what they have",
                code="disk_full",
            )
