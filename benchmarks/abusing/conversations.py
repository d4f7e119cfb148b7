"""Broken HTTP: framing, smuggling, silence."""

from __future__ import annotations

import gzip
import os
import socket
from collections.abc import Iterator

from abusing.actions import HEAD
from abusing.encodings import bomb
from abusing.target import Target
from abusing.variant import Variant, good, talk


def conversations() -> Iterator[Variant]:
    close = "Connection: close\r\n"

    def head(*lines: str) -> bytes:
        return (HEAD + close + "".join(f"{line}\r\n" for line in lines) + "\r\n").encode("latin-1")

    def chunked(body: bytes, size: int = 1000) -> bytes:
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"

    te = "Transfer-Encoding: chunked"
    yield talk("a chunked body", "200", lambda: head(te) + chunked(good(50), 7))
    yield talk("a chunked gzip", "200", lambda: head(te, "Content-Encoding: gzip") + chunked(gzip.compress(good()), 5))
    yield talk("a chunked gzip bomb", "413", lambda: head(te, "Content-Encoding: gzip") + chunked(bomb(31, 64), 1400))
    yield talk("a chunked body past the limit", "413", lambda: head(te) + chunked(bytes(30 << 20), 1 << 16))
    yield talk("a chunk size that is none", "400", lambda: head(te) + b"zz\r\nabc\r\n0\r\n\r\n")
    yield talk("a negative chunk size", "400", lambda: head(te) + b"-5\r\nabc\r\n0\r\n\r\n")
    yield talk("a huge chunk size", "400|413|408", lambda: head(te) + b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n")
    yield talk("a chunk longer than it says", "400", lambda: head(te) + b"2\r\nabcdef\r\n0\r\n\r\n")
    yield talk(
        "chunk extensions of 100 kB", "400|200", lambda: head(te) + b"1;" + b"x" * 100_000 + b"\r\n\x0a\r\n0\r\n\r\n"
    )
    yield talk("trailers", "200|400", lambda: head(te) + chunked(good())[:-2] + b"X-Trailer: 1\r\n\r\n")
    yield talk("chunked twice", "400", lambda: head("Transfer-Encoding: chunked, chunked") + chunked(good()))
    yield talk("an unknown transfer coding", "400|501", lambda: head("Transfer-Encoding: gzip") + good())
    yield talk("a length and chunks", "400", lambda: head("Content-Length: 5", te) + b"0\r\n\r\n")
    yield talk("two lengths", "400", lambda: head("Content-Length: 5", "Content-Length: 6") + b"abcdef")
    yield talk("a negative length", "400", lambda: head("Content-Length: -1"))
    yield talk("a length with a plus", "400", lambda: head("Content-Length: +5") + b"abcde")
    yield talk("a length of 2^70", "400|413", lambda: head(f"Content-Length: {1 << 70}"))
    yield talk("a length of 20 digits of zeros", "200|400", lambda: head("Content-Length: 00000000000000000000"))
    yield talk(
        "a length and no more, half closed", "0|400", lambda: head("Content-Length: 100") + b"x", half_close=True
    )
    yield talk(
        "half closed after the body",
        "200|0",
        lambda: (lambda body: head(f"Content-Length: {len(body)}") + body)(good()),
        half_close=True,
    )
    yield talk(
        "HTTP/1.0",
        "200",
        lambda: (
            lambda body: HEAD.replace("1.1", "1.0").encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )(good()),
    )
    yield talk("HTTP/0.9", "0|200|400", lambda: b"GET /\r\n\r\n")
    yield talk("HTTP/2 at once", "0|400|505", lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield talk("HTTP/9.9", "0|400|505", lambda: b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n")
    yield talk("TLS to a plain port", "0|400", lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500))
    yield talk("random bytes", "0|400", lambda: os.urandom(4000) + b"\r\n\r\n")
    yield talk("a space in a header's name", "400", lambda: head("Bad Header: x"))
    yield talk("a header that is folded", "400|415", lambda: head("X-A: 1\r\n folded", "Content-Length: 0"))
    yield talk("a bare CR", "400", lambda: head("X-A: 1\rX-B: 2"))
    yield talk("a NUL in a header", "400", lambda: head("X-A: 1\0"))
    yield talk(
        "no host",
        "400|200|421",
        lambda: HEAD.replace("Host: 127.0.0.1\r\n", "").encode() + b"Content-Length: 0\r\nConnection: close\r\n\r\n",
    )
    yield talk("two hosts", "400|421", lambda: head("Host: evil.example", "Content-Length: 0"))
    yield talk(
        "an absolute target",
        "200|400|404|421",
        lambda: b"GET http://evil.example/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    )
    yield talk(
        "CONNECT",
        "400|404|405|421",
        lambda: b"CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    )
    yield talk(
        "an upgrade",
        "0|200|400|404|426",
        lambda: b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        half_close=True,
    )
    yield Variant("200 requests in one go", "200", lambda: _pipelined)
    yield Variant("300 silent connections", "-", lambda: _silent)
    yield Variant("100 heads of one byte at a time", "-", lambda: _dripping)


def _pipelined(one: Target) -> str:
    body = good()
    each = (HEAD + f"Content-Length: {len(body)}\r\n\r\n").encode() + body
    last = (HEAD + f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
    answer = one.raw(each * 199 + last)
    assert answer.count(b"HTTP/1.1 200 ") == 200, answer.count(b"HTTP/1.1 200 ")
    return "200"


def _silent(one: Target) -> str:
    connections = [socket.create_connection(("127.0.0.1", one.port)) for _ in range(300)]
    assert one.store_one() < 5000
    for connection in connections:
        connection.close()
    return "-"


def _dripping(one: Target) -> str:
    connections = [socket.create_connection(("127.0.0.1", one.port)) for _ in range(100)]
    for byte in (HEAD + "Content-Length: 3\r\n\r\nab").encode():
        for connection in connections:
            connection.sendall(bytes([byte]))
    assert one.store_one() < 5000
    for connection in connections:
        connection.close()
    return "-"
