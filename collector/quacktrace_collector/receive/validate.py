"""Validation without blocking: small bodies at once, large ones in a child process that may die of them."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Final

import orjson

from quacktrace_collector.body_limits import MAX_AS_SENT_BYTES
from quacktrace_collector.errors import BodyTooLargeError, MalformedBodyError
from quacktrace_collector.receive.accept import Accepted, accepted_request
from quacktrace_collector.receive.encodings import Encoding
from quacktrace_collector.receive.validation_child import (
    ANSWER_HEADER,
    ENCODINGS,
    MALFORMED,
    REQUEST_HEADER,
    SIGNALS,
    TOO_LARGE,
)
from quacktrace_collector.signal_kinds import Signal

MAX_INLINE_BYTES: Final = {Encoding.PROTOBUF: MAX_AS_SENT_BYTES, Encoding.JSON: 128 << 10, Encoding.ZIPKIN: 128 << 10}
"""About 5 ms of the event loop each: protobuf parses at 400 MB/s, JSON is walked in Python at 10."""

MAX_CHILD_BYTES: Final = 1 << 30
"""Address space of the child; 20 MiB of ordinary spans need a fifth of it as protobuf, half of it as JSON."""

_DEADLINE_S: Final = 30.0
_PIPE_BUFFER_BYTES: Final = 1 << 20


class Validator:
    """Decides which requests are accepted; belongs to one event loop, and owns at most one child process."""

    def __init__(self, *, max_child_bytes: int = MAX_CHILD_BYTES) -> None:
        self._max_child_bytes = max_child_bytes
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def validate(self, signal: Signal, encoding: Encoding, body: bytes) -> Accepted:
        """The request as `decode` may read it.

        Raises:
            MalformedBodyError, BodyTooLargeError: as `accepted_request`; too large also if memory ran out.
        """
        if len(body) <= MAX_INLINE_BYTES[encoding]:
            return accepted_request(signal, encoding, body)
        async with self._turn:
            try:
                async with asyncio.timeout(_DEADLINE_S):
                    return await self._ask_child(signal, encoding, body)
            except (asyncio.IncompleteReadError, ConnectionError, TimeoutError) as error:
                self._kill()
                raise BodyTooLargeError(
                    "the body takes too much memory or time to validate", hint="send fewer records in a request"
                ) from error
            except asyncio.CancelledError:
                self._kill()
                raise

    async def close(self) -> None:
        """End the child process."""
        child = self._child
        self._kill()
        if child is not None:
            await child.wait()

    async def _ask_child(self, signal: Signal, encoding: Encoding, body: bytes) -> Accepted:
        child = await self._running_child()
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(REQUEST_HEADER.pack(SIGNALS.index(signal), ENCODINGS.index(encoding), len(body)))
        child.stdin.write(body)
        await child.stdin.drain()
        header = await child.stdout.readexactly(ANSWER_HEADER.size)
        status, records, size, normalised_size = ANSWER_HEADER.unpack(header)
        payload = await child.stdout.readexactly(size)
        normalised = orjson.loads(await child.stdout.readexactly(normalised_size))
        if status == MALFORMED:
            raise MalformedBodyError(payload.decode())
        if status == TOO_LARGE:
            raise BodyTooLargeError(payload.decode(), hint="send fewer records in a request")
        return Accepted(payload, records, normalised)

    async def _running_child(self) -> asyncio.subprocess.Process:
        if self._child is None or self._child.returncode is not None:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "quacktrace_collector.receive.validation_child",
                str(self._max_child_bytes),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                close_fds=True,
                limit=_PIPE_BUFFER_BYTES,
            )
        return self._child

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
