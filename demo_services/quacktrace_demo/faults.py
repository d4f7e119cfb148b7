"""The faults that the shop can suffer from, and whether one is on: a file that every process reads, one writes."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quacktrace_demo.errors import UnknownFaultError

__all__ = [
    "BAD_DEPLOY",
    "FAULTS",
    "INSTANCE_ERRORS",
    "LOCK_CONTENTION",
    "N_PLUS_ONE",
    "QUEUE_BACKLOG",
    "RETRY_STORM",
    "SLOW_PROVIDER",
    "SLOW_QUERY",
    "VERSION_MISMATCH",
    "Fault",
    "FaultFile",
    "FaultSwitch",
    "Period",
    "find_fault",
]


@dataclass(frozen=True)
class Fault:
    """Something that can go wrong, and what a person should be able to see of it."""

    name: str
    title: str
    does: str
    """What really happens while it is on."""
    page: str
    """The dashboard's page to look at first."""
    find: str
    """The answer: what someone who looked should be able to say."""


@dataclass(frozen=True)
class Period:
    """A stretch of time in which a fault was on."""

    name: str
    on_at: str
    """RFC 3339, UTC."""
    off_at: str | None
    """None while it is on."""
    by: str
    """`cycle` or `person`."""


SLOW_QUERY = Fault(
    name="slow-query",
    title="A slow query for one tenant",
    does="order reads the order history without its index. Every tenant pays for that in proportion to its orders,"
    " and globex has most of them.",
    page="/hotspots",
    find="`GET /orders` of order is slow for tenant.id globex only; nearly all of it is one `select` on sqlite@order.",
)
N_PLUS_ONE = Fault(
    name="n-plus-one",
    title="N+1 queries",
    does="inventory reads the stock of a page of items one by one instead of in one query.",
    page="/traces",
    find="`GET /inventory/items` of inventory runs 51 `select`s in a row on sqlite@inventory instead of one.",
)
INSTANCE_ERRORS = Fault(
    name="instance-errors",
    title="Errors in one instance",
    does="inventory-2 holds a truncated warehouse feed and fails to parse it on every reservation.",
    page="/hotspots",
    find="`POST /inventory/reservations` fails with JSONDecodeError, only where service.instance.id is inventory-2:"
    " one checkout in three.",
)
LOCK_CONTENTION = Fault(
    name="lock-contention",
    title="Lock contention",
    does="inventory-1 reconciles the stock inside one long write transaction, again and again.",
    page="/hotspots",
    find="Reservations wait in `begin` on sqlite@inventory, some until `database is locked`, while the trace `reconcile"
    " stock` of inventory-1 holds the lock.",
)
RETRY_STORM = Fault(
    name="retry-storm",
    title="A retry storm",
    does="inventory sheds load (503), and order answers with up to ten attempts in a row, without back-off or circuit.",
    page="/traces",
    find="One `POST /orders` of order makes several calls to inventory within milliseconds, most of them 503: inventory"
    " gets a multiple of its usual calls.",
)
SLOW_PROVIDER = Fault(
    name="slow-provider",
    title="A slow external provider",
    does="the payment provider takes 1.4 to 3 s; payment gives up after 2 s, tries once more, then its circuit opens.",
    page="/services",
    find="payment is slow towards acquirer.example, which is outside; calls time out, then fail at once: the circuit"
    " is open.",
)
QUEUE_BACKLOG = Fault(
    name="queue-backlog",
    title="A queue backlog",
    does="notification needs 3 s for each e-mail, so that messages arrive faster than they are handled.",
    page="/services",
    find="Checkouts answer as fast as ever, but `process emails` of notification starts seconds to minutes after `send"
    " emails`, and the logs warn about the queue's depth.",
)
BAD_DEPLOY = Fault(
    name="bad-deploy",
    title="A bad deploy of v2",
    does="version 2.0.0 of user fails for everyone who has no postcode; version 1.8.0 runs beside it.",
    page="/hotspots",
    find="`GET /users/{user_id}` of user fails with AttributeError, only where service.version is 2.0.0.",
)
VERSION_MISMATCH = Fault(
    name="version-mismatch",
    title="Two versions disagree on a field",
    does="version 2.0.0 of user moves `loyalty_tier` into `loyalty.tier` and stops sending the old field.",
    page="/hotspots",
    find="`POST /checkout` of api-gateway fails with KeyError 'loyalty_tier' whenever user 2.0.0 answered; user itself"
    " reports no error.",
)

FAULTS: tuple[Fault, ...] = (
    SLOW_PROVIDER,
    N_PLUS_ONE,
    INSTANCE_ERRORS,
    SLOW_QUERY,
    QUEUE_BACKLOG,
    BAD_DEPLOY,
    LOCK_CONTENTION,
    VERSION_MISMATCH,
    RETRY_STORM,
)
"""In the order of the demo's cycle: neighbours differ in kind and in place."""


def find_fault(name: str) -> Fault:
    """The fault called `name`; UnknownFaultError lists what there is."""
    for fault in FAULTS:
        if fault.name == name:
            return fault
    raise UnknownFaultError(name, [fault.name for fault in FAULTS])


KEPT_PERIODS = 1000
"""Of the history; the demo's cycle makes 1,300 a day."""


class FaultFile:
    """What the services read. Asking costs one `stat`; the file is read again only after it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: tuple[int, int] | None = None
        self._on: frozenset[str] = frozenset()

    def is_on(self, fault: Fault) -> bool:
        """Whether `fault` is on now; a missing file means that nothing is."""
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return False
        version = (status.st_mtime_ns, status.st_ino)
        if version != self._version:
            periods = json.loads(self._path.read_text())["periods"]
            self._on = frozenset(period["name"] for period in periods if period["off_at"] is None)
            self._version = version
        return fault.name in self._on


class FaultSwitch:
    """The one writer of the fault file: switches faults, and remembers when each was on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._periods = read_periods(path)[-KEPT_PERIODS:]
        for name in {period.name for period in self._periods if period.off_at is None}:
            self.turn_off(name)

    @property
    def periods(self) -> tuple[Period, ...]:
        """Oldest first."""
        return tuple(self._periods)

    def is_on(self, name: str) -> bool:
        """Whether the fault called `name` is on now."""
        return any(period.name == name and period.off_at is None for period in self._periods)

    def turn_on(self, name: str, *, by: str) -> None:
        """Does nothing when it is on already, except that a person's switch outlives the cycle's."""
        find_fault(name)
        if not self.is_on(name):
            self._periods.append(Period(name=name, on_at=_now(), off_at=None, by=by))
        elif by == "person":
            self._periods = [
                Period(p.name, p.on_at, None, by) if p.name == name and p.off_at is None else p for p in self._periods
            ]
        self._write()

    def turn_off(self, name: str, *, only_by: str | None = None) -> None:
        """Close the open period of `name`, if there is one and, where given, if `only_by` opened it."""
        find_fault(name)
        self._periods = [
            Period(p.name, p.on_at, _now(), p.by)
            if p.name == name and p.off_at is None and only_by in (None, p.by)
            else p
            for p in self._periods
        ]
        self._write()

    def _write(self) -> None:
        replacement = self._path.with_suffix(".new")
        replacement.write_text(json.dumps({"periods": [asdict(period) for period in self._periods]}, indent=1))
        replacement.replace(self._path)


def read_periods(path: Path) -> list[Period]:
    """The history in the file at `path`, oldest first; empty where there is no file."""
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(path.read_text())["periods"]
    return [Period(**row) for row in rows]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
