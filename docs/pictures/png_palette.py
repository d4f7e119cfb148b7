"""Screenshots as PNG files of at most 256 colours: a third of the size, and no eye sees the difference."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

__all__ = ["with_palette"]

Pixels = npt.NDArray[np.uint8]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 256
EXACT = 160
"""The commonest colours stay as they are; the others share what is left, by the means of like ones."""


def with_palette(png: bytes) -> bytes:
    """The same picture with a palette; takes what browsers write: eight bits a channel, RGB or RGBA, not interlaced."""
    pixels = _decode(png)
    height, width, _ = pixels.shape
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    colours, position, count = np.unique(packed, return_inverse=True, return_counts=True)
    palette, code = _palette(colours, count)
    rows = np.zeros((height, width + 1), dtype=np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = code[position].reshape(height, width)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return SIGNATURE + b"".join(
        _chunk(name, data)
        for name, data in (
            (b"IHDR", header),
            (b"PLTE", palette.astype(np.uint8).tobytes()),
            (b"IDAT", zlib.compress(rows.tobytes(), 9)),
            (b"IEND", b""),
        )
    )


def _palette(colours: npt.NDArray[np.uint32], count: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], Pixels]:
    """The palette, and for each colour its place in it."""
    channels = np.stack([colours >> 16 & 255, colours >> 8 & 255, colours & 255], axis=1).astype(np.float64)
    by_frequency = np.argsort(-count, kind="stable")
    exact, rest = by_frequency[:EXACT], by_frequency[EXACT:]
    _, group = np.unique((channels[rest] // 24) @ np.array([121, 11, 1]), return_inverse=True)
    weight = np.bincount(group, weights=count[rest])
    means = np.stack([np.bincount(group, weights=count[rest] * channels[rest, c]) / weight for c in range(3)], axis=1)
    largest = np.argsort(-weight, kind="stable")[: COLOURS - len(exact)]
    palette = np.round(np.concatenate([channels[exact], means[largest]]))
    code = np.empty(len(colours), dtype=np.uint8)
    for first in range(0, len(colours), 4096):
        distance = ((channels[first : first + 4096, None, :] - palette[None, :, :]) ** 2).sum(axis=2)
        code[first : first + 4096] = distance.argmin(axis=1)
    return palette, code


def _decode(png: bytes) -> Pixels:
    """The pixels `[row, column, channel]` of a PNG, without their opacity."""
    chunks, at = {b"IDAT": b""}, len(SIGNATURE)
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        name, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        chunks[name] = chunks[name] + data if name == b"IDAT" else data
        at += length + 12
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if depth != 8 or kind not in (2, 6) or interlaced:
        raise ValueError(f"a PNG of depth {depth}, colour type {kind}, interlacing {interlaced} is not understood")
    step = 3 if kind == 2 else 4
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), dtype=np.uint8).reshape(height, width * step + 1)
    pixels = np.zeros((height + 1, width + 1, step), dtype=np.uint8)  # an empty row above and column to the left
    for row in range(height):
        pixels[row + 1, 1:] = _unfilter(int(lines[row, 0]), lines[row, 1:].reshape(width, step), pixels[row, :])
    return pixels[1:, 1:, :3]


def _unfilter(kind: int, line: Pixels, above: Pixels) -> Pixels:
    """A row of pixels from what was left of it when its neighbours' values were taken away; wraps at 256."""
    if kind == 0:
        return line
    if kind == 1:
        return np.cumsum(line, axis=0, dtype=np.uint8)
    if kind == 2:
        return line + above[1:]
    restored = np.zeros_like(above).astype(np.int64)
    up, left_up = above[1:].astype(np.int64), above[:-1].astype(np.int64)
    for i in range(len(line)):
        left = restored[i]
        if kind == 3:
            predicted = (left + up[i]) // 2
        else:
            estimate = left + up[i] - left_up[i]
            far = np.abs(estimate - left), np.abs(estimate - up[i]), np.abs(estimate - left_up[i])
            predicted = np.where(
                (far[0] <= far[1]) & (far[0] <= far[2]), left, np.where(far[1] <= far[2], up[i], left_up[i])
            )
        restored[i + 1] = (line[i] + predicted) & 255
    return restored[1:].astype(np.uint8)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
