"""One process a data folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from quacktrace_collector.errors import DataDirInUseError


class DataDirLock:
    """Held while the object lives; the kernel releases it when the process ends, however it ends."""

    def __init__(self, data_dir: Path) -> None:
        self._file = (data_dir / "lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise DataDirInUseError(
                f"the data folder {data_dir} is in use by process {holder}",
                hint="stop that collector, or choose another folder with --data",
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let another process take the folder."""
        self._file.close()
