"""Who runs where: every instance reports to the registry every few seconds and hears of the others in the answer."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import defaultdict
from dataclasses import asdict, dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from opentelemetry.instrumentation.utils import suppress_http_instrumentation

from quacktrace_demo.errors import DemoError, NoInstanceError

__all__ = ["Instance", "Registry", "RegistryResolver", "registry_connector"]

logger = logging.getLogger(__name__)

HEARTBEAT_S = 2.0
PATIENCE = 5
"""Heartbeats without an answer after which an instance concludes that the whole shop is gone."""


@dataclass(frozen=True)
class Instance:
    """One process that answers for a service."""

    service: str
    name: str
    version: str
    port: int


class Registry:
    """One process's view of the registry at `url`."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session
        self._instances: dict[str, list[Instance]] = {}
        self._turn: defaultdict[str, int] = defaultdict(int)

    async def report(self, instance: Instance) -> None:
        """Say that `instance` is alive, and learn who else is. Not traced: it happens for ever and means nothing."""
        with suppress_http_instrumentation():
            async with self._session.put(f"{self._url}/instances/{instance.name}", json=asdict(instance)) as response:
                found = [Instance(**row) for row in (await response.json())["instances"]]
        by_service: defaultdict[str, list[Instance]] = defaultdict(list)
        for other in found:
            by_service[other.service].append(other)
        self._instances = dict(by_service)

    async def keep_reporting(self, instance: Instance) -> None:
        """Report for ever; DemoError when the registry has been gone for PATIENCE heartbeats."""
        failures = 0
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            try:
                await self.report(instance)
                failures = 0
            except (aiohttp.ClientError, TimeoutError) as error:
                failures += 1
                logger.warning("registry did not answer: %s", error)
                if failures == PATIENCE:
                    raise DemoError(f"the registry at {self._url} is gone") from error

    def pick(self, service: str) -> Instance:
        """The next instance of `service` in turn; NoInstanceError when there is none."""
        instances = self._instances.get(service)
        if not instances:
            raise NoInstanceError(service)
        self._turn[service] += 1
        return instances[self._turn[service] % len(instances)]


class RegistryResolver(AbstractResolver):
    """Lets URLs name services (`http://inventory/…`), so that spans do too, instead of the ports of the day."""

    def __init__(self) -> None:
        self.registry: Registry | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The address of the next instance of the service called `host`; OSError, as of any resolver, without one."""
        try:
            instance = self.registry.pick(host) if self.registry else None
        except NoInstanceError as error:
            raise OSError(str(error)) from error
        if instance is None:
            raise OSError(f"{host}: the registry has not been asked yet")
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=instance.port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """There is nothing to close."""


def registry_connector(resolver: RegistryResolver) -> aiohttp.TCPConnector:
    """Connections that are balanced over the instances: one a request, as a kept one would stay with its instance."""
    return aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True)
