"""`quacktrace demo --faults` and `--fault NAME on|off`: ask or tell the demo that runs on a data folder."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from quacktrace.terminal import BOLD, DIM, RED, colour
from quacktrace_demo.errors import NotRunningError
from quacktrace_demo.faults import FAULTS, find_fault, read_periods

__all__ = ["set_fault", "tell_faults"]

SHOWN_PERIODS = 20


def tell_faults(shop: Path) -> str:
    """The answer to what is wrong: every fault, what is on, and what was on; from the file, so also afterwards."""
    periods = read_periods(shop / "faults.json")
    on = {period.name for period in periods if period.off_at is None} if _is_running(shop) else set()
    lines: list[str] = []
    for fault in FAULTS:
        state = colour("ON ", RED) if fault.name in on else "off"
        lines.append(f"{state} {colour(fault.name, BOLD)}: {fault.does}")
        lines.append(f"      find it on {fault.page}: {fault.find}")
    lines.append("")
    lines += [colour("when (UTC)                                                fault", DIM)]
    for period in periods[-SHOWN_PERIODS:]:
        end = period.off_at or ("now" if period.name in on else "the end")
        lines.append(f"{period.on_at} to {end:<24}    {period.name} ({period.by})")
    if not periods:
        lines.append("none was on yet")
    return "\n".join(lines)


def set_fault(shop: Path, name: str, *, on: bool) -> str:
    """Turn a fault of the running demo on or off and return the line that says so; NotRunningError without one."""
    fault = find_fault(name)
    state = _read_state(shop)
    if state is None:
        raise NotRunningError(f"no demo runs on {shop.parent}: start one with `quacktrace demo`, or name its --data")
    request = urllib.request.Request(f"{state['control']}/faults/{name}", method="PUT" if on else "DELETE")
    try:
        with urllib.request.urlopen(request, timeout=5):
            pass
    except (urllib.error.URLError, TimeoutError) as error:
        raise NotRunningError(f"the demo on {shop.parent} does not answer ({error}): start it again") from error
    return f"{fault.name} is {'on' if on else 'off'}: {fault.title.lower()}"


def _is_running(shop: Path) -> bool:
    state = _read_state(shop)
    if state is None:
        return False
    try:
        with urllib.request.urlopen(f"{state['control']}/faults", timeout=2):
            return True
    except (urllib.error.URLError, TimeoutError):
        return False


def _read_state(shop: Path) -> dict[str, Any] | None:
    path = shop / "demo.json"
    if not path.exists():
        return None
    state: dict[str, Any] = json.loads(path.read_text())
    return state
