"""How a service of the shop is served: its port, its place in the registry, its log, its errors, its end."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from opentelemetry import trace

from quacktrace_demo.chassis.client import TENANT, TENANT_HEADER, Client
from quacktrace_demo.chassis.database import Database
from quacktrace_demo.chassis.queue import Queue
from quacktrace_demo.chassis.registry import Instance, Registry, RegistryResolver, registry_connector
from quacktrace_demo.errors import UpstreamError
from quacktrace_demo.faults import FaultFile

__all__ = ["SERVICE", "Service", "serve"]

logger = logging.getLogger(__name__)

THREADS = 4
"""Statements of one process that can wait for SQLite at the same time."""


@dataclass(frozen=True)
class Service:
    """What a handler of a service has at hand."""

    name: str
    instance: str
    version: str
    database: Database
    emails: Queue
    client: Client
    faults: FaultFile


SERVICE = web.AppKey("service", Service)
Worker = Callable[[Service], Awaitable[None]]


def serve(name: str, routes: web.RouteTableDef, *, workers: Sequence[Worker] = ()) -> None:
    """Run the service called `name` until SIGTERM; `workers` run beside the requests. Reads the command line."""
    parser = argparse.ArgumentParser(description=f"The {name} service of the demo shop.")
    parser.add_argument("--instance", default=name, help="name of this instance (default: %(default)s)")
    parser.add_argument("--version", default="1.0.0", help="version that it claims to be (default: %(default)s)")
    parser.add_argument("--registry", required=True, metavar="URL", help="where it reports and finds the others")
    parser.add_argument("--shop", required=True, type=Path, metavar="DIR", help="folder of the databases")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # It would report a failed request again, outside of the request's span; `_guard` does so inside.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    asyncio.run(_serve(name, routes, workers, arguments))


async def _serve(
    name: str, routes: web.RouteTableDef, workers: Sequence[Worker], arguments: argparse.Namespace
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="sqlite"))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        resolver = RegistryResolver()
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=registry_connector(resolver)))
        registry = resolver.registry = Registry(arguments.registry, session)
        service = Service(
            name=name,
            instance=arguments.instance,
            version=arguments.version,
            database=Database(arguments.shop / f"{name}.db"),
            emails=Queue(arguments.shop / "queue.db", "emails"),
            client=Client(session),
            faults=FaultFile(arguments.shop / "faults.json"),
        )
        port = await _listen(service, routes, stack)
        instance = Instance(service=name, name=service.instance, version=service.version, port=port)
        await registry.report(instance)
        logger.info("%s %s listens on port %d", service.instance, service.version, port)
        endless = [registry.keep_reporting(instance), *(worker(service) for worker in workers)]
        running = [asyncio.ensure_future(each) for each in (*endless, stopped.wait())]
        done, pending = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            if error := task.exception():
                logger.critical("%s ends: %s", service.instance, error, exc_info=error)
                sys.exit(1)


async def _listen(service: Service, routes: web.RouteTableDef, stack: AsyncExitStack) -> int:
    application = web.Application(middlewares=[_guard])
    application[SERVICE] = service
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return int(runner.addresses[0][1])


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Know the tenant, log what fails inside its span, and tell the client what it can use."""
    tenant = request.headers.get(TENANT_HEADER, TENANT.get())
    TENANT.set(tenant)
    span = trace.get_current_span()
    span.set_attribute("tenant.id", tenant)
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except UpstreamError as error:
        span.record_exception(error)
        logger.error("%s %s: %s", request.method, request.path, error, extra={"upstream": error.service})
        return web.json_response({"error": str(error)}, status=error.status)
    except Exception as error:
        # Re-raised: the instrumentation outside of this one records it, and the client is told nothing but 500.
        logger.exception("%s %s: %s", request.method, request.path, type(error).__name__)
        raise
