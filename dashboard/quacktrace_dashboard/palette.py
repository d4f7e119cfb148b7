"""Give every service a colour of its own that stays the same on every page and in every session.

The colours themselves are CSS variables (`--qt-service-0` …), so that a slot looks right in both themes. Their contrast
is at least 3.8:1 on white and 6.9:1 on the dark surface; none is red, which means error and nothing else.
`assets/shell/00-core.js` holds the same rule for the browser's side, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["SLOT_COUNT", "assign_slots", "service_colour"]

SLOT_COUNT = 12


def assign_slots(services: Iterable[str]) -> dict[str, int]:
    """Map services to slots: each to the slot of its hash, or the next free one while there are free ones."""
    slots: dict[str, int] = {}
    taken: set[int] = set()
    for service in sorted(set(services)):
        slot = _fnv1a(service) % SLOT_COUNT
        if len(taken) < SLOT_COUNT:
            while slot in taken:
                slot = (slot + 1) % SLOT_COUNT
        taken.add(slot)
        slots[service] = slot
    return slots


def service_colour(service: str, slots: Mapping[str, int]) -> str:
    """Return the CSS colour of a service; one that is not among the slots gets the slot of its hash."""
    return f"var(--qt-service-{slots.get(service, _fnv1a(service) % SLOT_COUNT)})"


def _fnv1a(text: str) -> int:
    """FNV-1a, 32 bit: small enough to write twice, and the same in Python and JavaScript."""
    value = 0x811C9DC5
    for byte in text.encode("utf-8", "replace"):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value
