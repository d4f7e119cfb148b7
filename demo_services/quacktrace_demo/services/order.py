"""order: takes orders, has inventory reserve what they need, and tells the customer."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
import uuid
from typing import Any

from aiohttp import web
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation

from quacktrace_demo.chassis.client import Policy
from quacktrace_demo.chassis.service import SERVICE, Service
from quacktrace_demo.faults import RETRY_STORM, SLOW_QUERY
from quacktrace_demo.opening import TENANTS
from quacktrace_demo.services.queries import FORGET_OLD_ORDERS, LOYAL_CUSTOMERS, LOYAL_CUSTOMERS_WITHOUT_INDEX

logger = logging.getLogger(__name__)
routes = web.RouteTableDef()

PATIENCE = Policy(timeout_s=4.0, attempts=2)
IMPATIENCE = Policy(timeout_s=4.0, attempts=10, backoff_s=0.0, breaks_circuit=False)
KEPT_ORDERS = 2000
"""A tenant's older ones are forgotten, so that a demo that runs for days stays as fast as on its first."""


@routes.post("/orders")
async def place_order(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    body = await request.json()
    order_id = uuid.uuid4().hex
    trace.get_current_span().set_attribute("order.id", order_id)

    def insert(cursor: sqlite3.Cursor) -> None:
        row = (order_id, body["tenant"], body["user_id"], body["total_cents"], "placed", time.time())
        cursor.execute("insert into orders values (?, ?, ?, ?, ?, ?)", row)
        lines = [(order_id, line["item_id"], line["quantity"]) for line in body["lines"]]
        cursor.executemany("insert into order_line values (?, ?, ?)", lines)

    await service.database.run(insert)
    await _reserve(service, order_id, body["lines"])
    await service.database.execute("update orders set state = 'confirmed' where id = ?", order_id)
    await service.emails.send(
        {"template": "order-placed", "recipient": body["email"], "values": {"order_id": order_id}}
    )
    logger.info("order placed", extra={"order.id": order_id, "lines": len(body["lines"])})
    return web.json_response({"order_id": order_id, "state": "confirmed"}, status=201)


async def _reserve(service: Service, order_id: str, lines: list[Any]) -> None:
    policy = IMPATIENCE if service.faults.is_on(RETRY_STORM) else PATIENCE
    reservation = {"order_id": order_id, "lines": lines}
    await service.client.post("inventory", "/inventory/reservations", reservation, policy=policy)


@routes.get("/orders")
async def list_orders(request: web.Request) -> web.Response:
    """A tenant's orders, those of its most loyal customers first."""
    service = request.app[SERVICE]
    query = LOYAL_CUSTOMERS_WITHOUT_INDEX if service.faults.is_on(SLOW_QUERY) else LOYAL_CUSTOMERS
    orders = await service.database.all(query, request.query["tenant"])
    logger.info("listed %d orders", len(orders))
    return web.json_response({"orders": orders})


async def forget_old_orders(service: Service) -> None:
    """Every tenant keeps its newest orders only. The housekeeping of a demo, so its spans are left out."""
    while True:
        await asyncio.sleep(60)
        with suppress_instrumentation():
            for tenant in TENANTS:
                await service.database.execute(FORGET_OLD_ORDERS, tenant, tenant, KEPT_ORDERS)


WORKERS = [forget_old_orders]
