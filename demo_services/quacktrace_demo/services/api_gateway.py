"""api-gateway: the shop's only door. It knows the tenants by their keys and composes what clients ask for."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import Any

from aiohttp import web
from opentelemetry import trace

from quacktrace_demo.chassis.client import TENANT, Policy
from quacktrace_demo.chassis.service import SERVICE, Service
from quacktrace_demo.errors import UpstreamError

logger = logging.getLogger(__name__)
routes = web.RouteTableDef()

DEFAULT_KEY = "key-acme"
DISCOUNT = {"bronze": 0.0, "silver": 0.05, "gold": 0.1}
CHECKOUT = Policy(timeout_s=8.0, attempts=1)
REPORT = Policy(timeout_s=8.0, attempts=1)
"""For what is dear to compute: to ask again would make it dearer."""


@routes.get("/users/{user_id:\\d+}")
async def get_user(request: web.Request) -> web.Response:
    service = await _enter(request)
    return web.json_response(await service.client.get("user", f"/users/{request.match_info['user_id']}"))


@routes.post("/signin")
async def sign_in(request: web.Request) -> web.Response:
    service = await _enter(request)
    return web.json_response(await service.client.post("auth", "/sessions", await request.json()), status=201)


@routes.get("/inventory/item/{item_id:\\d+}")
async def get_item(request: web.Request) -> web.Response:
    service = await _enter(request)
    item_id = request.match_info["item_id"]
    return web.json_response(await service.client.get("inventory", f"/inventory/item/{item_id}"))


@routes.get("/browse")
async def browse(request: web.Request) -> web.Response:
    service = await _enter(request)
    page = {"page": request.query.get("page", "0")}
    return web.json_response(await service.client.get("inventory", "/inventory/items", params=page))


@routes.get("/search")
async def search(request: web.Request) -> web.Response:
    service = await _enter(request)
    words = {"q": request.query.get("q", "")}
    return web.json_response(await service.client.get("inventory", "/inventory/search", params=words))


@routes.get("/orders")
async def list_orders(request: web.Request) -> web.Response:
    service = await _enter(request)
    await _authenticate(service, request)
    return web.json_response(
        await service.client.get("order", "/orders", params={"tenant": TENANT.get()}, policy=REPORT)
    )


@routes.post("/payments/charge")
async def charge(request: web.Request) -> web.Response:
    service = await _enter(request)
    body = {**await request.json(), "tenant": TENANT.get()}
    return web.json_response(
        await service.client.post("payment", "/payments/charge", body, policy=CHECKOUT), status=201
    )


@routes.post("/notifications/email")
async def send_email(request: web.Request) -> web.Response:
    service = await _enter(request)
    answer = await service.client.post("notification", "/notifications/email", await request.json())
    return web.json_response(answer, status=202)


@routes.post("/checkout")
async def check_out(request: web.Request) -> web.Response:
    """Charge first, order then; an order that fails gives the money back."""
    service = await _enter(request)
    body = await request.json()
    key = request.headers.get("Idempotency-Key", uuid.uuid4().hex)
    done = await service.database.one("select order_id from checkout where idempotency_key = ?", key)
    if done is not None:
        return web.json_response({"order_id": done["order_id"], "state": "confirmed"})

    user_id = await _authenticate(service, request)
    user = await service.client.get("user", f"/users/{user_id}")
    total_cents = await _price(service, body["lines"], user["loyalty_tier"])
    bill = {"tenant": TENANT.get(), "user_id": user_id, "amount_cents": total_cents}
    payment = await service.client.post("payment", "/payments/charge", bill, policy=CHECKOUT)
    try:
        order = {**bill, "total_cents": total_cents, "lines": body["lines"], "email": user["email"]}
        placed = await service.client.post("order", "/orders", order, policy=CHECKOUT)
    except UpstreamError:
        await service.client.post("payment", f"/payments/{payment['payment_id']}/void", {})
        raise
    row = (key, placed["order_id"], time.time())
    await service.database.execute("insert into checkout values (?, ?, ?)", *row)
    logger.info("checked out", extra={"order.id": placed["order_id"], "total_cents": total_cents})
    return web.json_response({**placed, "total_cents": total_cents}, status=201)


async def _price(service: Service, lines: list[Any], loyalty_tier: str) -> int:
    items = await asyncio.gather(
        *(service.client.get("inventory", f"/inventory/item/{line['item_id']}") for line in lines)
    )
    full_cents: int = sum(item["price_cents"] * line["quantity"] for item, line in zip(items, lines, strict=True))
    return round(full_cents * (1 - DISCOUNT[loyalty_tier]))


async def _enter(request: web.Request) -> Service:
    """Find out whose request it is, by the key that its client sends."""
    service = request.app[SERVICE]
    key = request.headers.get("X-Api-Key", DEFAULT_KEY)
    tenant = await service.database.one("select name, plan from tenant where api_key = ?", key)
    if tenant is None:
        raise web.HTTPUnauthorized(text='{"error": "unknown X-Api-Key"}', content_type="application/json")
    TENANT.set(tenant["name"])
    trace.get_current_span().set_attributes({"tenant.id": tenant["name"], "tenant.plan": tenant["plan"]})
    return service


async def _authenticate(service: Service, request: web.Request) -> int:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    session = await service.client.post("auth", "/sessions/verify", {"token": token})
    trace.get_current_span().set_attribute("user.id", session["user_id"])
    return int(session["user_id"])
