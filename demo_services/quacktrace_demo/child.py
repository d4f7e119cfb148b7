"""A process that belongs to the demo: it writes to a log, leads a group of its own, and does not outlive the demo."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

__all__ = ["Child", "stop_all"]

PR_SET_PDEATHSIG = 1


class Child:
    """A started process; make one with `Child.start`."""

    def __init__(self, name: str, log: Path, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.log = log
        self._process = process

    @classmethod
    async def start(cls, name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> Child:
        """Run `command`; what it prints goes to `log`, and Ctrl-C on the terminal does not reach it."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
        return cls(name, log, process)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its process id, which is its group's too."""
        return self._process.pid

    async def wait(self) -> int:
        """Its exit status, once it has ended; negative is the signal that ended it."""
        return await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its whole group; one that is gone is fine."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else "it said nothing"


async def stop_all(children: Sequence[Child], *, patience_s: float) -> None:
    """Ask all of them to end, and end those that have not after `patience_s`."""
    for child in children:
        child.signal(signal.SIGTERM)
    waits = [asyncio.ensure_future(child.wait()) for child in children]
    if waits:
        await asyncio.wait(waits, timeout=patience_s)
    for child in children:
        child.signal(signal.SIGKILL)
    await asyncio.gather(*waits)


def _die_with_parent() -> Callable[[], None] | None:
    """For Linux: the kernel kills the child when the demo dies, however it does; `exec` keeps this, fork does not."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def set_signal() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return set_signal
