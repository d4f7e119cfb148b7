"""Where the hot generations live: `hot`, or `hot-2` and so on after the store was reopened within one process.

DuckDB refuses to attach a file that another instance of the same process has attached, and an invalid instance does not
always let go. Renaming the folder gives the files new names, all at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_NAME: Final = "hot"


def hot_folder(data_dir: Path) -> Path:
    """The folder at the start of a process: `hot`, whatever it was called before."""
    folder = data_dir / _NAME
    for left in sorted(data_dir.glob(f"{_NAME}-*")):
        left.rename(folder)
    folder.mkdir(exist_ok=True)
    return folder


def next_hot_folder(current: Path) -> Path:
    """The same folder under its next name."""
    _, _, number = current.name.partition("-")
    return current.rename(current.with_name(f"{_NAME}-{int(number or 1) + 1}"))
