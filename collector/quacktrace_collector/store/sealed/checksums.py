"""Checksums of a segment's files, kept in its `segment.json`, which has one of its own.

Parquet as DuckDB reads it has none: a flipped bit in a page is an error, a wrong value, or nothing. Measured: CRC-32 of
a file in the page cache takes 1 ms a MB, 0.05 µs a span.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

METADATA: Final = "segment.json"
ESSENTIAL_FILES: Final = frozenset({"spans.parquet", "logs.parquet"})
"""The others are made from these: without them answers take longer, and are the same."""
_CHUNK_BYTES: Final = 1 << 20


def metadata_document(folder: Path, metadata: Mapping[str, Any]) -> bytes:
    """What `segment.json` should hold: the metadata, and the checksums of all other files in the folder."""
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith(METADATA))
    document = {**metadata, "files": {path.name: [path.stat().st_size, crc32_of(path)] for path in paths}}
    document["crc32"] = zlib.crc32(_canonical(document))
    return json.dumps(document).encode()


def with_checksum_of(folder: Path, name: str) -> bytes:
    """The same document with the checksum of one file more; what is there is not taken for sound.

    Raises:
        OSError, ValueError: there is none, or it is damaged.
    """
    document = read_metadata(folder)
    path = folder / name
    document["files"] = {**document["files"], name: [path.stat().st_size, crc32_of(path)]}
    document["crc32"] = zlib.crc32(_canonical(document))
    return json.dumps(document).encode()


def read_metadata(folder: Path) -> dict[str, Any]:
    """What `metadata_document` made.

    Raises:
        OSError, ValueError: it is absent or damaged.
    """
    document = json.loads((folder / METADATA).read_bytes())
    if not isinstance(document, dict) or document.pop("crc32", None) != zlib.crc32(_canonical(document)):
        raise ValueError("its checksum does not match")
    return document


def damaged_files(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and complaint of each file that is not as it was written; reads all of them."""
    try:
        files = read_metadata(folder)["files"]
    except (OSError, ValueError) as error:
        yield METADATA, f"cannot be read: {error}"
        return
    for name, (size_bytes, crc32) in files.items():
        try:
            if (folder / name).stat().st_size != size_bytes:
                yield name, f"has {(folder / name).stat().st_size} bytes, {size_bytes} were written"
            elif crc32_of(folder / name) != crc32:
                yield name, "is not what was written: its checksum differs"
        except FileNotFoundError:
            if name in ESSENTIAL_FILES:
                yield name, "is missing"
        except OSError as error:
            yield name, f"cannot be read: {error}"


def torn_files(folder: Path) -> Iterator[tuple[str, str]]:
    """The same by size alone, which reads nothing but the metadata."""
    try:
        files = read_metadata(folder)["files"]
    except (OSError, ValueError) as error:
        yield METADATA, f"cannot be read: {error}"
        return
    for name, (size_bytes, _) in files.items():
        try:
            found = (folder / name).stat().st_size
        except OSError:
            found = None
        if found is None and name in ESSENTIAL_FILES:
            yield name, "is missing"
        elif found is not None and found != size_bytes:
            yield name, f"has {found} bytes, {size_bytes} were written"


def check_file(folder: Path, name: str) -> None:
    """Read a file of a segment and pass when it is what was written, or not one of those that are known.

    Raises:
        OSError: it is absent or damaged, or the metadata is.
    """
    try:
        known = read_metadata(folder).get("files", {}).get(name)
    except ValueError as error:
        raise OSError(f"{folder / METADATA} cannot be read: {error}") from error
    if known is not None and crc32_of(folder / name) != known[1]:
        raise OSError(f"{folder / name} is not what was written: its checksum differs")


def crc32_of(path: Path) -> int:
    """CRC-32 of a file, read in pieces that do not stay in memory."""
    crc = 0
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            crc = zlib.crc32(piece, crc)
    return crc


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps({key: document[key] for key in sorted(document) if key != "crc32"}).encode()
