"""inventory: items, their stock, and reservations. Several instances work on the same data."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import sqlite3
import time
from functools import partial

from aiohttp import web
from opentelemetry import trace

from quacktrace_demo.chassis.database import Row
from quacktrace_demo.chassis.service import SERVICE, Service
from quacktrace_demo.faults import INSTANCE_ERRORS, LOCK_CONTENTION, N_PLUS_ONE, RETRY_STORM
from quacktrace_demo.services.queries import ITEM_WITH_STOCK, PAGE_OF_ITEMS, SEARCH_ITEMS

logger = logging.getLogger(__name__)
tracer = trace.get_tracer(__name__)
routes = web.RouteTableDef()

PAGE = 50
SHED = 0.8
"""Of the reservations, while it sheds load."""
RECONCILER = "inventory-1"
RECONCILE_EVERY_S = 20
FEED_OF = "inventory-2"
WAREHOUSE_FEED = '{"warehouse": "pond-3", "closed_aisles": []}'


@routes.get("/inventory/item/{item_id:\\d+}")
async def get_item(request: web.Request) -> web.Response:
    item_id = int(request.match_info["item_id"])
    item = await request.app[SERVICE].database.one(ITEM_WITH_STOCK, item_id)
    if item is None:
        return web.json_response({"error": f"no item {item_id}"}, status=404)
    return web.json_response(item)


@routes.get("/inventory/items")
async def list_items(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    offset = PAGE * int(request.query.get("page", 0))
    list_page = _list_page_one_by_one if service.faults.is_on(N_PLUS_ONE) else _list_page
    items = await list_page(service, offset)
    return web.json_response({"items": items})


async def _list_page(service: Service, offset: int) -> list[Row]:
    return await service.database.all(PAGE_OF_ITEMS, PAGE, offset)


async def _list_page_one_by_one(service: Service, offset: int) -> list[Row]:
    items = await service.database.all("select * from item order by id limit ? offset ?", PAGE, offset)
    for item in items:
        stock = await service.database.one("select on_hand from stock where item_id = ?", item["id"])
        item["on_hand"] = stock["on_hand"] if stock else 0
    return items


@routes.get("/inventory/search")
async def search(request: web.Request) -> web.Response:
    words = request.query["q"]
    items = await request.app[SERVICE].database.all(SEARCH_ITEMS, words)
    logger.info("found %d items", len(items), extra={"search.words": words})
    return web.json_response({"items": items})


@routes.post("/inventory/reservations")
async def reserve(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    if service.faults.is_on(RETRY_STORM) and random.random() < SHED:
        logger.warning("shedding load")
        return web.json_response({"error": "overloaded"}, status=503)
    body = await request.json()
    closed_aisles = _read_feed(service)["closed_aisles"]

    def insert(cursor: sqlite3.Cursor) -> None:
        for line in body["lines"]:
            amount = (line["quantity"], line["item_id"])
            cursor.execute("update stock set on_hand = on_hand - ? where item_id = ?", amount)
        rows = [(body["order_id"], line["item_id"], line["quantity"]) for line in body["lines"]]
        cursor.executemany("insert into reservation values (?, ?, ?)", rows)

    await service.database.run(insert)
    logger.info("reserved", extra={"order.id": body["order_id"], "closed_aisles": len(closed_aisles)})
    return web.json_response({"order_id": body["order_id"], "state": "reserved"}, status=201)


def _read_feed(service: Service) -> Row:
    is_truncated = service.instance == FEED_OF and service.faults.is_on(INSTANCE_ERRORS)
    feed: Row = json.loads(WAREHOUSE_FEED[:20] if is_truncated else WAREHOUSE_FEED)
    return feed


async def reconcile_stock(service: Service) -> None:
    """One instance counts the stock now and then; when it does so in one long transaction, everyone else waits."""
    if service.instance != RECONCILER:
        await asyncio.Event().wait()
    while True:
        is_long = service.faults.is_on(LOCK_CONTENTION)
        with tracer.start_as_current_span("reconcile stock", attributes={"stock.is_one_transaction": is_long}):
            await service.database.run(partial(_count_stock, pause_s=2.5 if is_long else 0.0))
        await asyncio.sleep(0.3)
        for _ in range(RECONCILE_EVERY_S):
            if not service.faults.is_on(LOCK_CONTENTION):
                await asyncio.sleep(1.0)


def _count_stock(cursor: sqlite3.Cursor, *, pause_s: float) -> None:
    cursor.execute("update stock set counted_at = ? where on_hand >= 0", (time.time(),))
    time.sleep(pause_s)


WORKERS = [reconcile_stock]
