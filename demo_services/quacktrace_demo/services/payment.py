"""payment: charges customers through an external provider, `acquirer.example`."""

from __future__ import annotations

import logging
import time
import uuid

from aiohttp import web
from opentelemetry import trace

from quacktrace_demo.chassis.client import Policy
from quacktrace_demo.chassis.service import SERVICE
from quacktrace_demo.errors import UpstreamError

logger = logging.getLogger(__name__)
routes = web.RouteTableDef()

PROVIDER = "acquirer.example"
PATIENCE = Policy(timeout_s=2.0, attempts=2, backoff_s=0.1)
"""Charges carry an idempotency key, so trying twice does not charge twice."""


@routes.post("/payments/charge")
async def charge(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    body = await request.json()
    tenant, user_id, amount_cents = str(body["tenant"]), int(body["user_id"]), int(body["amount_cents"])
    rule = await service.database.one("select limit_cents from fraud_rule where tenant = ?", tenant)
    if rule is not None and amount_cents > rule["limit_cents"]:
        logger.warning("charge refused: above the limit", extra={"user.id": user_id, "amount_cents": amount_cents})
        return web.json_response({"error": "above the limit"}, status=402)
    payment_id = uuid.uuid4().hex
    trace.get_current_span().set_attribute("payment.id", payment_id)
    row = (payment_id, tenant, user_id, amount_cents, "pending", None, time.time())
    await service.database.execute("insert into payment values (?, ?, ?, ?, ?, ?, ?)", *row)
    try:
        sent = {"idempotency_key": payment_id, "amount_cents": amount_cents, "currency": "EUR"}
        receipt = await service.client.post(PROVIDER, "/charges", sent, policy=PATIENCE)
    except UpstreamError:
        await service.database.execute("update payment set state = 'failed' where id = ?", payment_id)
        raise
    await service.database.execute(
        "update payment set state = 'captured', authorisation = ? where id = ?", receipt["authorisation"], payment_id
    )
    logger.info("charged", extra={"payment.id": payment_id, "amount_cents": amount_cents})
    return web.json_response({"payment_id": payment_id, "state": "captured"}, status=201)


@routes.post("/payments/{payment_id}/void")
async def void(request: web.Request) -> web.Response:
    payment_id = request.match_info["payment_id"]
    await request.app[SERVICE].database.execute("update payment set state = 'void' where id = ?", payment_id)
    logger.warning("payment voided", extra={"payment.id": payment_id})
    return web.json_response({"payment_id": payment_id, "state": "void"})
