"""Calls between services: retries, time-outs, circuits and balancing, over real connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from quacktrace_demo.chassis.breaker import CircuitBreaker
from quacktrace_demo.chassis.client import ONCE, Client, Policy
from quacktrace_demo.chassis.registry import Instance, Registry, RegistryResolver, registry_connector
from quacktrace_demo.control import Directory, control_application
from quacktrace_demo.errors import (
    CircuitOpenError,
    NoInstanceError,
    UpstreamError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
)
from quacktrace_demo.faults import FaultSwitch

QUICKLY = Policy(timeout_s=0.2, attempts=3, backoff_s=0.001)


@dataclass
class Town:
    """A registry, and services that do what a test says."""

    client: Client
    registry: Registry
    directory: Directory
    stack: AsyncExitStack
    calls: list[str] = field(default_factory=list)

    async def add(
        self, name: str, answer: Callable[[web.Request], Awaitable[web.Response]], service: str = "duck"
    ) -> None:
        async def handle(request: web.Request) -> web.Response:
            self.calls.append(name)
            return await answer(request)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handle)
        server = await self.stack.enter_async_context(TestServer(application, host="127.0.0.1"))
        assert server.port is not None
        await self.registry.report(Instance(service, name, "1.0.0", server.port))


@pytest.fixture
async def town(tmp_path: Any) -> AsyncIterator[Town]:
    directory = Directory()
    async with AsyncExitStack() as stack:
        application = control_application(directory, FaultSwitch(tmp_path / "faults.json"))
        control = await stack.enter_async_context(TestServer(application, host="127.0.0.1"))
        resolver = RegistryResolver()
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=registry_connector(resolver)))
        registry = resolver.registry = Registry(str(control.make_url("")).rstrip("/"), session)
        yield Town(Client(session), registry, directory, stack)


async def well(request: web.Request) -> web.Response:
    return web.json_response({"path": request.path})


async def overloaded(request: web.Request) -> web.Response:
    return web.json_response({"error": "overloaded"}, status=503)


async def broken(request: web.Request) -> web.Response:
    return web.Response(status=500, text="500")


async def silent(request: web.Request) -> web.Response:
    import asyncio

    await asyncio.sleep(5)
    return web.Response()


async def test_calls_take_turns_over_the_instances(town: Town) -> None:
    for name in ("duck-1", "duck-2", "duck-3"):
        await town.add(name, well)
    for _ in range(6):
        assert await town.client.get("duck", "/pond") == {"path": "/pond"}
    assert sorted(town.calls) == ["duck-1", "duck-1", "duck-2", "duck-2", "duck-3", "duck-3"]


async def test_a_retry_goes_to_another_instance(town: Town) -> None:
    await town.add("duck-1", overloaded)
    await town.add("duck-2", well)
    for _ in range(4):
        assert await town.client.get("duck", "/pond", policy=QUICKLY) == {"path": "/pond"}
    assert set(town.calls) == {"duck-1", "duck-2"}


async def test_a_call_gives_up_after_its_last_attempt(town: Town) -> None:
    await town.add("duck-1", overloaded)
    with pytest.raises(UpstreamRefusedError, match="duck: answered 503, overloaded"):
        await town.client.get("duck", "/pond", policy=QUICKLY)
    assert len(town.calls) == 3


async def test_what_must_not_happen_twice_is_tried_once(town: Town) -> None:
    await town.add("duck-1", overloaded)
    with pytest.raises(UpstreamRefusedError):
        await town.client.post("duck", "/pond", {}, policy=ONCE)
    assert len(town.calls) == 1


async def test_a_bug_is_not_tried_again(town: Town) -> None:
    await town.add("duck-1", broken)
    with pytest.raises(UpstreamRefusedError, match="answered 500"):
        await town.client.get("duck", "/pond", policy=QUICKLY)
    assert len(town.calls) == 1


async def test_a_silent_service_is_a_time_out(town: Town) -> None:
    await town.add("duck-1", silent)
    with pytest.raises(UpstreamTimeoutError, match=r"duck: no answer within 0\.2 s"):
        await town.client.get("duck", "/pond", policy=Policy(timeout_s=0.2, attempts=1))


async def test_nobody_of_that_name_is_an_error_and_not_a_hang(town: Town) -> None:
    with pytest.raises(NoInstanceError, match="goose: no instance"):
        await town.client.get("goose", "/pond", policy=QUICKLY)


async def test_an_instance_that_is_gone_is_an_upstream_error(town: Town) -> None:
    await town.registry.report(Instance("duck", "duck-1", "1.0.0", 1))
    with pytest.raises(UpstreamError):
        await town.client.get("duck", "/pond", policy=QUICKLY)


async def test_a_circuit_opens_and_spares_the_failing_service(town: Town) -> None:
    await town.add("duck-1", overloaded)
    for _ in range(8):
        with pytest.raises(UpstreamRefusedError):
            await town.client.post("duck", "/pond", {})
    with pytest.raises(CircuitOpenError, match="circuit open"):
        await town.client.post("duck", "/pond", {})
    assert len(town.calls) == 8


def test_an_open_circuit_lets_one_attempt_through_and_closes_when_it_succeeds() -> None:
    now = 100.0
    breaker = CircuitBreaker("duck", window=4, open_s=5.0, clock=lambda: now)
    for _ in range(4):
        breaker.check()
        breaker.record(has_failed=True)
    with pytest.raises(CircuitOpenError):
        breaker.check()
    now += 5.0
    breaker.check()
    with pytest.raises(CircuitOpenError):
        breaker.check()
    breaker.record(has_failed=False)
    breaker.check()


def test_the_registry_forgets_an_instance_that_stopped_reporting() -> None:
    now = 100.0
    directory = Directory(clock=lambda: now)
    directory.report(Instance("duck", "duck-1", "1.0.0", 8000))
    assert [instance.name for instance in directory.alive()] == ["duck-1"]
    now += 60
    assert directory.alive() == []


def test_the_registry_is_settled_once_each_has_reported_after_the_last_joined() -> None:
    now = 100.0
    directory = Directory(clock=lambda: now)
    first, second = Instance("duck", "duck-1", "1.0.0", 8000), Instance("duck", "duck-2", "1.0.0", 8001)
    directory.report(first)
    now += 1
    directory.report(second)
    assert not directory.is_settled(["duck-1", "duck-2"])
    now += 1
    directory.report(first)
    assert directory.is_settled(["duck-1", "duck-2"])
