"""What collector and worker say to each other: frames of a JSON header and a body, over stdin and stdout."""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO, Final

__all__ = ["Frame", "ResultFormat", "read_frame", "receive_frame", "write_frame"]

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


def read_frame(pipe: BinaryIO) -> Frame | None:
    """The next frame; None when the other side is gone."""
    lengths = pipe.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header_length, body_length = _LENGTHS.unpack(lengths)
    header, body = pipe.read(header_length), pipe.read(body_length)
    if len(header) < header_length or len(body) < body_length:
        return None
    return Frame(json.loads(header), body)


def write_frame(pipe: BinaryIO, frame: Frame) -> None:
    """Send the frame whole."""
    pipe.write(frame.encode())
    pipe.flush()


async def receive_frame(pipe: asyncio.StreamReader) -> Frame:
    """The next frame; raises IncompleteReadError when the worker is gone."""
    header_length, body_length = _LENGTHS.unpack(await pipe.readexactly(_LENGTHS.size))
    header = await pipe.readexactly(header_length)
    return Frame(json.loads(header), await pipe.readexactly(body_length))
