"""Faults of the disk, and ends of the process, under load."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from abusing.actions import NotHereError, await_that
from abusing.load import Load
from abusing.target import PATIENCE_S, Target, start, stop, target


def stall_storage(_one: Target) -> str:
    """A file system that is frozen takes no write and no fsync until it thaws."""
    with _disk("ext4", 512) as folder, target(folder / "collector", "--min-free", "1MB") as one:
        load = Load(one.port)
        load.run_for(1.0)
        frozen = subprocess.run(["fsfreeze", "-f", str(folder)], capture_output=True)
        if frozen.returncode:
            raise NotHereError("fsfreeze does not work here")
        try:
            load.run_for(12.0)
            assert one.get("/healthz").status == 200
        finally:
            subprocess.run(["fsfreeze", "-u", str(folder)], check=True)
        load.run_for(1.0)
        load.finish(one)
        return load.refusals()


def disk_full(_one: Target) -> str:
    with _disk("tmpfs", 64) as folder, target(folder / "collector", "--min-free", "4MB") as one:
        load = Load(one.port)
        load.run_for(1.0)
        for least in (6 << 20, 1 << 12):
            ballast = _filled(folder, least)
            load.run_for(2.0)
            ballast.unlink()
            began, before = time.monotonic(), load.acknowledged
            load.run_until(lambda before=before: load.acknowledged > before + 5)
            assert time.monotonic() - began < 5 + 10, "it did not resume"
        load.finish(one)
        return load.refusals()


def sigterm(_one: Target) -> str:
    _end_and_restart(signal.SIGTERM)
    return "503"


def kill9(_one: Target) -> str:
    _end_and_restart(signal.SIGKILL)
    return "-"


def _end_and_restart(number: int) -> None:
    """Under load; who comes too late is refused or finds the port closed."""
    with tempfile.TemporaryDirectory() as scratch:
        one = start(Path(scratch, "collector"), "--min-free", "1MB")
        load = Load(one.port)
        load.run_for(1.0)
        threading.Timer(0.5, one.process.send_signal, (number,)).start()
        began = time.monotonic()
        load.run_for(1.0)
        one.process.wait(PATIENCE_S)
        seconds = time.monotonic() - began - 0.5
        assert seconds < 5, f"it took {seconds:.1f} s to end"
        one = start(Path(scratch, "collector"), "--min-free", "1MB")
        load.port = one.port
        load.run_for(0.5)
        load.finish(one)
        stop(one)
        assert set(load.statuses) <= {0, 200, 503}, load.statuses


@contextlib.contextmanager
def _disk(kind: str, megabytes: int) -> Iterator[Path]:
    """A file system of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, image = Path(scratch, "disk"), Path(scratch, "disk.img")
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        if kind == "ext4":
            with image.open("wb") as file:
                file.truncate(megabytes << 20)
            made = subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], capture_output=True)
            command = ["mount", "-o", "loop", str(image), str(folder)] if made.returncode == 0 else ["false"]
        if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
            raise NotHereError("only root can mount a disk of its own")
        try:
            yield folder
        finally:
            await_that(lambda: subprocess.run(["umount", folder], capture_output=True).returncode == 0, "unmounting")


def _filled(folder: Path, least: int) -> Path:
    """Ballast that leaves fewer bytes free than `least`."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize > least:
            file.write(bytes(1 << 12))
    return ballast
