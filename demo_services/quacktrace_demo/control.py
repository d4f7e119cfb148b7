"""The demo's own HTTP server: the registry that the services report to, and the fault switchboard."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any

from aiohttp import web

from quacktrace_demo.chassis.registry import HEARTBEAT_S, Instance
from quacktrace_demo.errors import UnknownFaultError
from quacktrace_demo.faults import FAULTS, FaultSwitch, find_fault

__all__ = ["Directory", "control_application"]

FORGOTTEN_AFTER_S = 3 * HEARTBEAT_S


class Directory:
    """The instances that were heard of lately."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard: dict[str, tuple[float, Instance]] = {}
        self._joined: dict[str, float] = {}
        self._fixed: list[Instance] = []

    def add_fixed(self, instance: Instance) -> None:
        """An address that never reports, of something outside of the shop."""
        self._fixed.append(instance)

    def report(self, instance: Instance) -> None:
        """`instance` is alive."""
        self._joined.setdefault(instance.name, self._clock())
        self._heard[instance.name] = (self._clock(), instance)

    def has_heard_of(self, name: str) -> bool:
        """Whether the instance called `name` has ever reported."""
        return name in self._heard

    def is_settled(self, names: Collection[str]) -> bool:
        """Whether all of `names` have reported, and each once more after the last of them joined: all know of all."""
        if any(name not in self._heard for name in names):
            return False
        last_joined = max(self._joined[name] for name in names)
        return all(self._heard[name][0] > last_joined or self._joined[name] == last_joined for name in names)

    def alive(self) -> list[Instance]:
        """By name, so that everyone balances over the same order."""
        since = self._clock() - FORGOTTEN_AFTER_S
        heard = [instance for heard_at, instance in self._heard.values() if heard_at >= since]
        return sorted([*heard, *self._fixed], key=lambda instance: instance.name)


DIRECTORY = web.AppKey("directory", Directory)
SWITCH = web.AppKey("switch", FaultSwitch)
routes = web.RouteTableDef()


def control_application(directory: Directory, switch: FaultSwitch) -> web.Application:
    """`PUT /instances/{name}`, `GET /faults`, `PUT /faults/{name}` and `DELETE /faults/{name}`."""
    application = web.Application()
    application[DIRECTORY] = directory
    application[SWITCH] = switch
    application.add_routes(routes)
    return application


@routes.put("/instances/{name}")
async def _report(request: web.Request) -> web.Response:
    directory = request.app[DIRECTORY]
    directory.report(Instance(**await request.json()))
    return web.json_response({"instances": [asdict(instance) for instance in directory.alive()]})


@routes.get("/instances")
async def _list_instances(request: web.Request) -> web.Response:
    return web.json_response({"instances": [asdict(instance) for instance in request.app[DIRECTORY].alive()]})


@routes.get("/faults")
async def _list_faults(request: web.Request) -> web.Response:
    return web.json_response(describe_faults(request.app[SWITCH]))


@routes.put("/faults/{name}")
async def _turn_on(request: web.Request) -> web.Response:
    return _switched(request, lambda switch, name: switch.turn_on(name, by="person"))


@routes.delete("/faults/{name}")
async def _turn_off(request: web.Request) -> web.Response:
    return _switched(request, lambda switch, name: switch.turn_off(name))


def describe_faults(switch: FaultSwitch) -> dict[str, Any]:
    """Every fault, whether it is on, and when each was."""
    return {
        "faults": [{**asdict(fault), "on": switch.is_on(fault.name)} for fault in FAULTS],
        "periods": [asdict(period) for period in switch.periods],
    }


def _switched(request: web.Request, turn: Callable[[FaultSwitch, str], None]) -> web.Response:
    switch, name = request.app[SWITCH], request.match_info["name"]
    try:
        turn(switch, name)
    except UnknownFaultError as error:
        return web.json_response({"error": {"code": "unknown_fault", "message": str(error)}}, status=404)
    return web.json_response({**asdict(find_fault(name)), "on": switch.is_on(name)})
