"""Bounded reading of bodies: what is inflated, what is refused and with which words."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from quacktrace_collector.errors import BodyTooLargeError, OverloadedError
from quacktrace_collector.receive.body import (
    BadEncodingError,
    BodyTimeoutError,
    UnsupportedEncodingError,
    read_body,
)
from quacktrace_collector.receive.body_budget import BodyBudget


def gzipped(data: bytes) -> bytes:
    """The same for the same data: a parameter's bytes name its test."""
    return gzip.compress(data, mtime=0)


TEXT = b"spans " * 1_000


async def in_chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def read(body: bytes, encoding: str, *, size: int = 100, max_bytes: int = 1 << 20) -> bytes:
    return await read_body(in_chunks(body, size), content_encoding=encoding, content_length=None, max_bytes=max_bytes)


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzipped(TEXT)),
        (" GZIP ", gzipped(TEXT)),
        ("x-gzip", gzipped(TEXT)),
        ("gzip", gzipped(TEXT[:100]) + gzipped(TEXT[100:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
    ],
)
async def test_every_encoding_is_read_in_pieces_of_any_size(encoding: str, body: bytes, size: int) -> None:
    assert await read(body, encoding, size=size) == TEXT


async def test_an_empty_plain_body_is_empty() -> None:
    assert await read(b"", "") == b""


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzipped(TEXT)[:10]),
        ("gzip", gzipped(TEXT)[:-20]),
        ("gzip", gzipped(TEXT)[:-1]),
        ("gzip", gzipped(TEXT)[:-8] + bytes(4) + gzipped(TEXT)[-4:]),
        ("gzip", gzipped(TEXT) + b"rest"),
        ("gzip", gzipped(b"") * 101),
        ("gzip", TEXT),
        ("gzip", b""),
        ("deflate", zlib.compress(TEXT)[:-1]),
        ("deflate", zlib.compress(TEXT) + b"rest"),
        ("deflate", b""),
    ],
)
async def test_a_broken_stream_is_refused_whole(encoding: str, body: bytes) -> None:
    with pytest.raises(BadEncodingError):
        await read(body, encoding)


@pytest.mark.parametrize("encoding", ["br", "zstd", "snappy", "gzip, gzip", "nonsense"])
async def test_an_unknown_encoding_is_refused_with_the_known_ones_named(encoding: str) -> None:
    with pytest.raises(UnsupportedEncodingError) as refusal:
        await read(b"x", encoding)
    assert "gzip, deflate, identity" in refusal.value.hint


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
async def test_the_limit_counts_what_comes_out(encoding: str) -> None:
    body = {"gzip": gzipped(bytes(1_001)), "deflate": zlib.compress(bytes(1_001))}.get(encoding, bytes(1_001))
    assert len(await read(body, encoding, max_bytes=1_001)) == 1_001
    with pytest.raises(BodyTooLargeError):
        await read(body, encoding, max_bytes=1_000)


async def test_a_bomb_is_left_alone_at_the_limit() -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(64)) + compressor.flush()
    seen = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal seen
        async for chunk in in_chunks(bomb, 1_000):
            seen += len(chunk)
            yield chunk

    with pytest.raises(BodyTooLargeError):
        await read_body(counted(), content_encoding="gzip", content_length=None, max_bytes=1 << 20)
    assert seen < len(bomb) / 32


async def test_a_declared_length_beyond_the_limit_is_refused_unread() -> None:
    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    with pytest.raises(BodyTooLargeError):
        await read_body(unread(), content_encoding="", content_length=21 << 20)


async def test_a_body_that_stops_coming_times_out() -> None:
    async def stalled() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    with pytest.raises(BodyTimeoutError, match="only 1 bytes"):
        await read_body(stalled(), content_encoding="", content_length=1_000, grace_s=0.02)


async def test_other_tasks_run_while_a_large_body_is_inflated() -> None:
    body = gzipped(bytes(16 << 20))
    turns = 0
    done = asyncio.Event()

    async def other() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await asyncio.sleep(0)
    await read(body, "gzip", size=len(body), max_bytes=20 << 20)
    done.set()
    await task
    assert turns >= 15


def test_bodies_share_a_bounded_amount_of_memory() -> None:
    budget = BodyBudget(max_bytes=100)
    with budget.share() as alone:
        alone.grow(150)
        with budget.share() as other, pytest.raises(OverloadedError):
            other.grow(1)
    with budget.share() as first, budget.share() as second:
        for size in range(0, 60, 10):
            first.grow(size)
            second.grow(size)
        with pytest.raises(OverloadedError):
            first.grow(51)


async def test_a_body_is_told_by_its_size_on_the_wire_or_inflated_whichever_is_larger() -> None:
    sizes: list[int] = []
    for encoding, body in (("", TEXT), ("gzip", gzipped(TEXT))):
        await read_body(in_chunks(body, 100), content_encoding=encoding, content_length=None, on_size=sizes.append)
        assert sizes == sorted(sizes)
        assert sizes[-1] == len(TEXT)
        sizes.clear()
