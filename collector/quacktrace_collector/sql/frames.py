"""What collector and worker say to each other: frames of a JSON header and a body, over stdin and stdout."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO, Final, Protocol

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_STREAM_BYTES",
    "PART_BYTES",
    "Frame",
    "ResultFormat",
    "read_frame",
    "receive_frame",
    "write_frame",
]

MAX_BODY_BYTES: Final = 64 << 20
"""The most that a result may have which is sent whole."""
MAX_STREAM_BYTES: Final = 4 << 30
"""The most that one may have which is sent in parts."""
PART_BYTES: Final = 1 << 20
MAX_HEADER_BYTES: Final = 1 << 20

_LENGTHS: Final = struct.Struct("<II")


class ResultFormat(StrEnum):
    """The forms a result can take; the value is the content type."""

    JSON = "application/json"
    CSV = "text/csv"
    ARROW = "application/vnd.apache.arrow.stream"
    PARQUET = "application/vnd.apache.parquet"


@dataclass(frozen=True, slots=True)
class Frame:
    """A header that JSON can hold, and bytes."""

    header: dict[str, Any]
    body: bytes = b""

    def encode(self) -> bytes:
        """The frame as it stands on the pipe."""
        header = json.dumps(self.header).encode()
        return _LENGTHS.pack(len(header), len(self.body)) + header + self.body


class AsyncPipe(Protocol):
    """An `asyncio.StreamReader`; not imported, because it would cost each worker 4 MB."""

    async def readexactly(self, n: int) -> bytes:
        """Exactly so many bytes."""


def read_frame(pipe: BinaryIO) -> Frame | None:
    """The next frame of an unbuffered pipe; None when the other side is gone."""
    lengths = _read_exactly(pipe, _LENGTHS.size)
    if lengths is None:
        return None
    header_length, body_length = _LENGTHS.unpack(lengths)
    header, body = _read_exactly(pipe, header_length), _read_exactly(pipe, body_length)
    return None if header is None or body is None else Frame(json.loads(header), body)


def _read_exactly(pipe: BinaryIO, length: int) -> bytes | None:
    chunks: list[bytes] = []
    while length:
        chunk = pipe.read(length)
        if not chunk:
            return None
        chunks.append(chunk)
        length -= len(chunk)
    return b"".join(chunks)


def write_frame(pipe: BinaryIO, frame: Frame) -> None:
    """Send the frame whole."""
    pipe.write(frame.encode())
    pipe.flush()


async def receive_frame(pipe: AsyncPipe) -> Frame:
    """The next frame; raises what `readexactly` raises when the worker is gone."""
    header_length, body_length = _LENGTHS.unpack(await pipe.readexactly(_LENGTHS.size))
    if header_length > MAX_HEADER_BYTES or body_length > MAX_BODY_BYTES:
        raise ConnectionError("the frame is larger than any worker sends")
    header = await pipe.readexactly(header_length)
    return Frame(json.loads(header), await pipe.readexactly(body_length))
