"""`acquirer.example`: stands in for a payment provider on the internet. It is not ours, so it is not instrumented."""

from __future__ import annotations

import asyncio
import random
import uuid

from aiohttp import web

from quacktrace_demo.faults import SLOW_PROVIDER, FaultFile

__all__ = ["provider_application"]

USUAL_S = (0.02, 0.06)
SLOW_S = (1.4, 3.0)

FAULTS_OF = web.AppKey("faults", FaultFile)


def provider_application(faults: FaultFile) -> web.Application:
    """`POST /charges`."""
    application = web.Application()
    application[FAULTS_OF] = faults
    application.router.add_post("/charges", _charge)
    return application


async def _charge(request: web.Request) -> web.Response:
    body = await request.json()
    is_slow = request.app[FAULTS_OF].is_on(SLOW_PROVIDER)
    await asyncio.sleep(random.uniform(*(SLOW_S if is_slow else USUAL_S)))
    return web.json_response({"authorisation": uuid.uuid4().hex[:12], "charged_cents": body["amount_cents"]})
