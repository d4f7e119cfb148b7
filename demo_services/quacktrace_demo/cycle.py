"""Switches one fault on after the other, so that there is always something to find."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from quacktrace_demo.faults import FAULTS, FaultSwitch

__all__ = ["Pace", "cycle_through_faults"]


@dataclass(frozen=True)
class Pace:
    """How long the shop is well, and how long it is not."""

    first_after_s: float = 20.0
    on_s: float = 45.0
    off_s: float = 20.0


async def cycle_through_faults(switch: FaultSwitch, *, pace: Pace = Pace()) -> None:
    """For ever; a fault that a person switched on is left alone."""
    await asyncio.sleep(pace.first_after_s)
    while True:
        for fault in FAULTS:
            switch.turn_on(fault.name, by="cycle")
            try:
                await asyncio.sleep(pace.on_s)
            finally:
                switch.turn_off(fault.name, only_by="cycle")
            await asyncio.sleep(pace.off_s)
