"""The collector's side of one worker process: start it, ask it, end it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from quacktrace_collector.sql.frames import Frame, receive_frame

__all__ = ["WorkerDiedError", "WorkerGoneError", "WorkerLimits", "WorkerProcess"]

# What decides where Python finds its packages and libraries; nothing else of the environment reaches a query.
_KEPT_VARIABLES: Final = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
_OWN_VARIABLES: Final = {
    "TZ": "UTC",
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    # One arena and the system's allocator: 60 MB less address space, and free memory goes back.
    "MALLOC_ARENA_MAX": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OMP_NUM_THREADS": "1",
}
_START_TIMEOUT_S: Final = 60.0


class WorkerDiedError(Exception):
    """The process ended before it answered."""


class WorkerGoneError(WorkerDiedError):
    """The process had ended before it was asked."""


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What one worker may use."""

    memory_limit_bytes: int = 512 << 20
    """DuckDB's own limit: what a query sorts, groups and joins with."""
    address_space_bytes: int = 1_280 << 20
    """Hard limit on top of what the idle process has; also holds the spans that are still hot."""
    threads: int = 2


class WorkerProcess:
    """One process; ask it one query at a time."""

    def __init__(self, process: asyncio.subprocess.Process, resident_bytes: int) -> None:
        self._process = process
        self.resident_bytes = resident_bytes

    @classmethod
    async def start(cls, sealed_dir: Path, limits: WorkerLimits) -> WorkerProcess:
        """Start a process and wait until it can take a query; raises WorkerDiedError if it cannot."""
        options = {
            "sealed_dir": str(sealed_dir),
            "parent_pid": os.getpid(),
            "memory_limit_bytes": limits.memory_limit_bytes,
            "address_space_bytes": limits.address_space_bytes,
            "threads": limits.threads,
        }
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "quacktrace_collector.sql.worker",
            json.dumps(options),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            close_fds=True,
            start_new_session=True,
            cwd="/",
            env={**kept, **_OWN_VARIABLES},
        )
        worker = cls(process, 0)
        try:
            ready = await asyncio.wait_for(worker._receive(), _START_TIMEOUT_S)
        except BaseException:
            await worker.kill()
            raise
        if "failed" in ready.header:
            await worker.kill()
            raise WorkerDiedError(ready.header["failed"])
        worker.resident_bytes = ready.header["resident_bytes"]
        return worker

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """False once the process has ended, or has closed its end of the pipe."""
        assert self._process.stdout is not None
        return self._process.returncode is None and not self._process.stdout.at_eof()

    async def ask(
        self, header: dict[str, Any], on_part: Callable[[bytes, bool], Awaitable[None]] | None = None
    ) -> Frame:
        """Send a query, return the answer; raises WorkerDiedError. After a cancellation the worker must be killed.

        `on_part` takes the parts before the last of a large result; until it returns the worker waits.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(Frame(header).encode())
            await self._process.stdin.drain()
        except ConnectionError as error:
            raise WorkerGoneError("the worker had ended") from error
        try:
            await self._receive()
        except WorkerDiedError as error:
            raise WorkerGoneError("the worker had ended") from error
        answer = await self._receive()
        while "part_is_gzip" in answer.header and on_part is not None:
            await on_part(answer.body, answer.header["part_is_gzip"])
            answer = await self._receive()
        self.resident_bytes = answer.header.get("resident_bytes", 0)
        return answer

    async def kill(self) -> None:
        """SIGKILL, and wait until the process is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def _receive(self) -> Frame:
        assert self._process.stdout is not None
        try:
            return await receive_frame(self._process.stdout)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerDiedError("the worker ended before it answered") from error
