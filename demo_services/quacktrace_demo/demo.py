"""The whole demo: collector, registry and switchboard, provider, services, customers, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from quacktrace.errors import QuacktraceError
from quacktrace_demo.chassis.registry import Instance
from quacktrace_demo.child import Child, stop_all
from quacktrace_demo.collector import CollectorAddresses, CollectorOptions, read_announcement
from quacktrace_demo.control import Directory, control_application
from quacktrace_demo.cycle import cycle_through_faults
from quacktrace_demo.faults import FaultFile, FaultSwitch
from quacktrace_demo.fleet import FLEET, service_command, service_environment
from quacktrace_demo.opening import open_shop
from quacktrace_demo.provider import provider_application
from quacktrace_demo.services.payment import PROVIDER
from quacktrace_demo.traffic import Traffic

__all__ = ["Addresses", "DemoOptions", "run_demo"]

T = TypeVar("T")

STARTED_WITHIN_S = 120.0
# Together less than the 5 s in which Ctrl-C ends everything. A collector that is killed loses nothing that it took.
SERVICES_PATIENCE_S = 1.5
COLLECTOR_PATIENCE_S = 2.8


@dataclass(frozen=True)
class DemoOptions:
    """What a person can choose."""

    shop: Path
    """Folder of the services' databases, logs, and the fault file."""
    rate: float
    """Customers a second."""
    seed: int
    has_cycle: bool
    """Whether faults come and go by themselves."""


@dataclass(frozen=True)
class Addresses:
    """Where everything answers."""

    collector: CollectorAddresses
    gateway_url: str
    control_url: str


async def run_demo(
    options: DemoOptions,
    collector: CollectorOptions,
    *,
    on_ready: Callable[[Addresses], None],
    say: Callable[[str], None],
) -> int:
    """Run until SIGINT or SIGTERM and return the exit status; `say` gets one line for each process that dies."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    run = _Run(options, collector, stopped, say)
    async with AsyncExitStack() as stack:
        work = asyncio.ensure_future(run.start(stack, on_ready))
        waiting = asyncio.ensure_future(stopped.wait())
        await asyncio.wait([work, waiting], return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
            await waiting
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    return run.status


class _Run:
    """One run of the demo; what it starts, its exit stack ends, the last first."""

    def __init__(
        self, options: DemoOptions, collector: CollectorOptions, stopped: asyncio.Event, say: Callable[[str], None]
    ) -> None:
        self.status = 0
        self._options = options
        self._collector = collector
        self._stopped = stopped
        self._say = say
        self._is_ending = False

    async def start(self, stack: AsyncExitStack, on_ready: Callable[[Addresses], None]) -> None:
        shop = self._options.shop
        # The collector first: it refuses a folder that another one uses, whose shop is not to be replaced.
        collector = await self._start_collector(stack)
        await asyncio.to_thread(open_shop, shop, self._options.seed)
        switch = FaultSwitch(shop / "faults.json")
        directory = Directory()
        control_url = await _serve(stack, control_application(directory, switch))
        provider_url = await _serve(stack, provider_application(FaultFile(shop / "faults.json")))
        provider = Instance(PROVIDER, PROVIDER, "unknown", port=int(provider_url.rpartition(":")[2]))
        directory.add_fixed(provider)

        await self._start_services(stack, control_url, directory, self._collector.exporter(collector))
        gateway = next(instance for instance in directory.alive() if instance.service == "api-gateway")
        gateway_url = f"http://127.0.0.1:{gateway.port}"
        _write_state(stack, shop / "demo.json", {"pid": os.getpid(), "control": control_url, "gateway": gateway_url})

        session = await stack.enter_async_context(aiohttp.ClientSession())
        traffic = Traffic(gateway_url, session, rate=self._options.rate, seed=self._options.seed)
        self._keep_running(stack, traffic.run())
        if self._options.has_cycle:
            self._keep_running(stack, cycle_through_faults(switch))
        on_ready(Addresses(collector, gateway_url, control_url))

    async def _start_collector(self, stack: AsyncExitStack) -> CollectorAddresses:
        log = self._options.shop / "logs" / "collector.log"
        child = await Child.start("collector", self._collector.command, environment=os.environ, log=log)
        stack.push_async_callback(stop_all, [child], patience_s=COLLECTOR_PATIENCE_S)
        addresses = await _wait_for(lambda: read_announcement(log.read_text()), child)
        self._watch(stack, child, is_vital=True)
        return addresses

    async def _start_services(
        self, stack: AsyncExitStack, control_url: str, directory: Directory, exporter: Mapping[str, str]
    ) -> None:
        shop = self._options.shop
        children: list[Child] = []
        stack.push_async_callback(stop_all, children, patience_s=SERVICES_PATIENCE_S)
        for member in FLEET:
            child = await Child.start(
                member.instance,
                service_command(member, registry_url=control_url, shop=shop),
                environment=service_environment(member, exporter),
                log=shop / "logs" / f"{member.instance}.log",
            )
            children.append(child)
        for child in children:
            await _wait_for(partial(directory.has_heard_of, child.name), child)
            self._watch(stack, child)
        names = [member.instance for member in FLEET]
        await _wait_for(partial(directory.is_settled, names), children[0])
        stack.callback(self._end)

    def _end(self) -> None:
        self._is_ending = True

    def _watch(self, stack: AsyncExitStack, child: Child, *, is_vital: bool = False) -> None:
        async def watch() -> None:
            status = await child.wait()
            if self._is_ending or self._stopped.is_set():
                return
            how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
            self._say(f"{child.name} {how}: {child.last_words()} (see {child.log})")
            if is_vital:
                self.status = 1
                self._stopped.set()

        self._keep_running(stack, watch())

    def _keep_running(self, stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)

        async def end() -> None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        stack.push_async_callback(end)


async def _serve(stack: AsyncExitStack, application: web.Application) -> str:
    """Serve on a free port of loopback; returns the URL."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def _wait_for(ask: Callable[[], T | None], child: Child) -> T:
    """Poll until `ask` answers something; QuacktraceError when `child` ends before that, or takes too long."""
    try:
        async with asyncio.timeout(STARTED_WITHIN_S):
            while not (answer := ask()):
                if not child.is_running:
                    raise QuacktraceError(f"{child.name} did not start: {child.last_words()}")
                await asyncio.sleep(0.1)
            return answer
    except TimeoutError as error:
        raise QuacktraceError(f"{child.name} was not ready after {STARTED_WITHIN_S:g} s: see {child.log}") from error


def _write_state(stack: AsyncExitStack, path: Path, state: dict[str, Any]) -> None:
    """What `quacktrace demo --fault` needs to find this run."""
    path.write_text(json.dumps(state))
    stack.callback(path.unlink, missing_ok=True)
