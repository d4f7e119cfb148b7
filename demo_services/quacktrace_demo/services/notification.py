"""notification: sends e-mails, off the customer's path: whatever comes in goes through the queue."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from quacktrace_demo.chassis.service import SERVICE, Service
from quacktrace_demo.faults import QUEUE_BACKLOG

logger = logging.getLogger(__name__)
routes = web.RouteTableDef()

USUAL_S = 0.02
SLOW_S = 3.0


@routes.post("/notifications/email")
async def accept(request: web.Request) -> web.Response:
    body = await request.json()
    missing = {"recipient", "template"} - set(body)
    if missing:
        return web.json_response({"error": f"missing: {', '.join(sorted(missing))}"}, status=400)
    message_id = await request.app[SERVICE].emails.send(body)
    return web.json_response({"message_id": message_id, "state": "queued"}, status=202)


async def send_emails(service: Service) -> None:
    """Take e-mails from the queue, one after the other."""

    async def send(message: Mapping[str, Any]) -> None:
        template = await service.database.one("select * from template where name = ?", message["template"])
        if template is None:
            logger.error("no template %s", message["template"])
            return
        body = template["body"].format_map(message.get("values", {}))
        await asyncio.sleep(SLOW_S if service.faults.is_on(QUEUE_BACKLOG) else USUAL_S)
        row = (uuid.uuid4().hex, message["recipient"], template["subject"], body, time.time())
        await service.database.execute("insert into email values (?, ?, ?, ?, ?)", *row)
        logger.info("e-mail sent", extra={"template": message["template"]})

    await service.emails.consume(send)


WORKERS = [send_emails]
