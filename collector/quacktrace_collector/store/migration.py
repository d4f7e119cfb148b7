"""The version of the data folder's layout, and how a folder of an earlier one is brought up to date at the start.

1  the first; it has no `version` file
2  `segment.json` has checksums of the segment's files; a generation holds commits, and no rows
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from quacktrace_collector.errors import StartupError
from quacktrace_collector.store.durable import replace_durably
from quacktrace_collector.store.hot.old_generations import seal_old_generations
from quacktrace_collector.store.sealed.checksums import METADATA, metadata_document

_log = logging.getLogger(__name__)

VERSION: Final = 2
_FILE: Final = "version"


def migrate(data_dir: Path) -> None:
    """Bring the folder to `VERSION`, step by step; each can be cut short and done again.

    Raises:
        StartupError: a newer quacktrace wrote it.
    """
    found = _found(data_dir)
    if found > VERSION:
        raise StartupError(
            f"the data folder {data_dir} has layout version {found}, this quacktrace knows versions up to {VERSION}",
            hint="start the newer quacktrace that wrote it, or choose another folder with --data",
        )
    for version in range(found, VERSION):
        _log.warning("bringing %s from layout version %d to %d", data_dir, version, version + 1)
        _STEPS[version](data_dir)
        _write(data_dir, version + 1)
    if not (data_dir / _FILE).exists():
        _write(data_dir, VERSION)


def _found(data_dir: Path) -> int:
    try:
        text = (data_dir / _FILE).read_text("utf-8").strip()
    except FileNotFoundError:
        return 1 if any((data_dir / "sealed").iterdir()) or any((data_dir / "hot").glob("*.duckdb")) else VERSION
    except UnicodeDecodeError:
        text = ""
    # Damaged: every step recognises what it has done already.
    return int(text) if text.isascii() and text.isdigit() else 1


def _write(data_dir: Path, version: int) -> None:
    replace_durably(data_dir / _FILE, f"{version}\n".encode())


def _add_checksums(data_dir: Path) -> None:
    for folder in (data_dir / "sealed").iterdir():
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        try:
            metadata = json.loads((folder / METADATA).read_bytes())
        except (OSError, ValueError):
            continue  # damaged: set aside when it is loaded
        if isinstance(metadata, dict) and "crc32" not in metadata:
            replace_durably(folder / METADATA, metadata_document(folder, metadata))


def _from_1(data_dir: Path) -> None:
    _add_checksums(data_dir)
    seal_old_generations(data_dir)


_STEPS: Final[Mapping[int, Callable[[Path], None]]] = {1: _from_1}
