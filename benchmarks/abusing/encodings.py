"""Content codings, sound, broken, mixed up and exploding."""

from __future__ import annotations

import functools
import gzip
import zlib
from collections.abc import Iterator

from abusing.target import JSON, PROTOBUF
from abusing.variant import Variant, good, post

ZIPKIN = "/api/v2/spans"


def encodings() -> Iterator[Variant]:
    def coded(coding: str) -> dict[str, str]:
        return {**PROTOBUF, "Content-Encoding": coding}

    yield post("gzip bomb of 1 GiB", "413", lambda: bomb(31), coded("gzip"))
    yield post("zlib bomb of 256 MiB", "413", lambda: bomb(15, 256), coded("deflate"))
    yield post("raw deflate bomb of 256 MiB", "413", lambda: bomb(-15, 256), coded("deflate"))
    yield post("gzip bomb of JSON", "413", lambda: bomb(31, 64), {**JSON, "Content-Encoding": "gzip"})
    yield post("gzip bomb to Zipkin", "413", lambda: bomb(31, 64), {**JSON, "Content-Encoding": "gzip"}, ZIPKIN)
    yield post("gzip bomb to logs", "413", lambda: bomb(31, 64), coded("gzip"), "/v1/logs")
    yield post("a gzipped gzip", "400", lambda: gzip.compress(gzip.compress(good())), coded("gzip"))
    yield post("two codings", "415", lambda: gzip.compress(good()), coded("gzip, gzip"))
    yield post("raw deflate", "200", lambda: raw_deflate(good()), coded("deflate"))
    yield post("raw deflate cut short", "400", lambda: raw_deflate(good(50))[:-3], coded("deflate"))
    yield post("zlib with a wrong checksum", "400", lambda: zlib.compress(good())[:-4] + b"abcd", coded("deflate"))
    yield post("gzip said to be deflate", "400", lambda: gzip.compress(good()), coded("deflate"))
    yield post("zlib said to be gzip", "400", lambda: zlib.compress(good()), coded("gzip"))
    yield post("plain said to be gzip", "400", good, coded("gzip"))
    yield post("10,000 gzip members", "400", lambda: gzip.compress(b"") * 10_000, coded("gzip"))
    yield post("two gzip members", "200", lambda: gzip.compress(good()) + gzip.compress(b""), coded("gzip"))
    yield post("rubbish after gzip", "400", lambda: gzip.compress(good()) + b"rubbish", coded("gzip"))
    yield post("an empty gzip", "200", lambda: gzip.compress(b""), coded("gzip"))
    yield post("nothing said to be gzip", "400", lambda: b"", coded("gzip"))
    yield post("nothing said to be deflate", "400", lambda: b"", coded("deflate"))
    yield post("gzip with a name and a comment", "200", _annotated_gzip, coded("gzip"))
    yield post("the coding in capitals", "200", lambda: gzip.compress(good()), coded("GZIP"))
    yield post("x-gzip", "200", lambda: gzip.compress(good()), coded("x-gzip"))
    yield post("an empty coding", "200", good, coded(""))
    for coding in ("zstd", "snappy", "compress", "bzip2", "br, gzip", "gzip;q=1", "\u00e9", "x" * 5000):
        yield post(f"coding {coding[:20]}", "415", lambda: b"x", coded(coding))


def _annotated_gzip() -> bytes:
    body = good()
    head = b"\x1f\x8b\x08\x18\0\0\0\0\0\xff" + b"name\0" + b"comment\0"
    return head + raw_deflate(body) + zlib.crc32(body).to_bytes(4, "little") + len(body).to_bytes(4, "little")


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


@functools.cache
def bomb(bits: int, megabytes: int = 1024) -> bytes:
    """Zeros: a thousandth of them by gzip (31), zlib (15) or raw deflate (-15)."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, bits)
    zeros = bytes(1 << 20)
    return b"".join(compressor.compress(zeros) for _ in range(megabytes)) + compressor.flush()
